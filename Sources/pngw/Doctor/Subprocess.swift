import Glibc

/// Another program, asked one thing. Blocks, for a bounded time and a bounded answer.
enum Subprocess {
  private static let mostBytes = 4 << 20
  private static let milliseconds: CInt = 5000
  private static let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]

  /// - Returns: what it printed; nil when it is not there, failed, or took too long.
  static func output(_ program: String, _ arguments: [String]) -> [UInt8]? {
    let places = folders.map { $0 + "/" + program }
    guard let path = places.first(where: { (place: String) in access(place, X_OK) == 0 }) else { return nil }
    var ends: [CInt] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    let process = start(path, [program] + arguments, output: ends[1])
    close(ends[1])
    guard let process else { return nil }
    let bytes = read(ends[0])
    if bytes == nil { kill(process, SIGKILL) }
    var status: CInt = 0
    waitpid(process, &status, 0)
    return status == 0 ? bytes : nil
  }

  private static func start(_ path: String, _ words: [String], output: CInt) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    // Nothing of ours is its business.
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    var process = pid_t()
    return posix_spawn(&process, path, &actions, nil, &pointers, &environment) == 0 ? process : nil
  }

  /// - Returns: nil when it takes too long, or is too much.
  private static func read(_ descriptor: CInt) -> [UInt8]? {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count < mostBytes {
      var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&wanted, 1, milliseconds) > 0 else { return nil }
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count == 0 { return bytes }
      guard count > 0 else { return nil }
      bytes += piece[..<count]
    }
    return nil
  }
}
