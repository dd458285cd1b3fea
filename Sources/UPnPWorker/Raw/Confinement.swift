import CUPnP
import Glibc

/// What a worker process gives up at its start: libupnp and expat read what any device on the LAN sends.
enum Confinement {
  /// 4 fetches, 8 commands, 32 event connections, libupnp's 10, the rest to spare.
  static let descriptors: UInt = 128
  /// The program, its libraries and 12 thread stacks take 150 MiB of address space; a flood that wants more ends this
  /// process, which starts again, and not the machine.
  static let addressSpace: UInt = 512 << 20
  /// Threads of libupnp put at most a few 2.5 kB packets on the stack.
  static let threadStack: Int = 256 << 10

  /// - Parameter kept: the descriptor that the supervisor is on. Standard input, output and error stay too.
  static func apply(keeping kept: Int32) {
    _ = cupnp_die_with_parent()
    _ = cupnp_gain_nothing()
    // It was started as /proc/self/exe.
    _ = cupnp_be_called("pngw-upnp")
    for fd in 3..<Int32(1024) where fd != kept { close(fd) }
    limit(Int32(RLIMIT_CORE.rawValue), 0)
    limit(Int32(RLIMIT_NOFILE.rawValue), descriptors)
    limit(Int32(RLIMIT_AS.rawValue), addressSpace)
    // With one malloc arena: each further one would reserve 64 MiB of address space, for threads that hardly allocate.
    cupnp_small_threads(threadStack)
    signal(SIGPIPE, SIG_IGN)
    // The supervisor ends us by closing the channel; a Ctrl-C in its terminal is its business.
    signal(SIGINT, SIG_IGN)
  }

  private static func limit(_ resource: Int32, _ value: UInt) {
    var limit = rlimit(rlim_cur: value, rlim_max: value)
    setrlimit(resource, &limit)
  }
}
