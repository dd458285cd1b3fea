import Glibc

/// Starts and ends worker processes.
enum Spawn {
  struct Child {
    let pid: pid_t
    /// Our end of its channel, non-blocking; it has the other as descriptor 3.
    let channel: Int32
  }
  struct Failure: Error, CustomStringConvertible { let description: String }

  private static let channelInChild: Int32 = 3

  /// Call on a thread that lives as long as the child shall: the kernel ends the child with the thread that made it.
  static func start(_ executable: String, name: String, argument: String) throws(Failure) -> Child {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else { throw Failure(description: "socketpair: \(text(errno))") }
    defer { close(ends[1]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, 2, 1)
    posix_spawn_file_actions_adddup2(&actions, ends[1], channelInChild)
    var attributes = ownGroupAndDefaultSignals()
    defer { posix_spawnattr_destroy(&attributes) }
    var pid: pid_t = 0
    let result = withArguments([name, argument]) { posix_spawn(&pid, executable, &actions, &attributes, $0, [nil]) }
    guard result == 0 else {
      close(ends[0])
      throw Failure(description: "\(executable): \(text(result))")
    }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    return Child(pid: pid, channel: ends[0])
  }

  /// A worker has nothing to save. A killed process is gone in microseconds: waiting for it here is no waiting.
  /// - Returns: how it ended, in words.
  static func end(_ child: Child) -> String {
    close(child.channel)
    kill(child.pid, SIGKILL)
    var status: Int32 = 0
    while waitpid(child.pid, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7F
    return signal == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(signal)"
  }

  /// Ends by itself already? Then how, in words; else it is ended.
  static func reap(_ child: Child) -> String {
    var status: Int32 = 0
    guard waitpid(child.pid, &status, WNOHANG) == child.pid else { return end(child) }
    close(child.channel)
    let signal = status & 0x7F
    return signal == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(signal)"
  }

  /// A Ctrl-C in our terminal goes to us alone.
  private static func ownGroupAndDefaultSignals() -> posix_spawnattr_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
    return attributes
  }

  private static func withArguments<T>(_ arguments: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> T) -> T {
    let copies = arguments.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
  }

  private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
