import Glibc

/// Reading and writing descriptors without blocking.
enum Channel {
  enum Received { case bytes([UInt8]), nothing, ended }

  static func receive(_ fd: Int32, atMost limit: Int) -> Received {
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
      count = read(fd, buffer.baseAddress, limit)
      initialized = max(0, count)
    }
    if count > 0 { return .bytes(bytes) }
    return count < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS) ? .nothing : .ended
  }

  /// - Returns: bytes sent; nil when the other end is gone.
  static func send(_ fd: Int32, _ bytes: [UInt8]) -> Int? {
    let count = Glibc.send(fd, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    if count >= 0 { return count }
    return errno == EAGAIN || errno == EINTR ? 0 : nil
  }

  /// - Returns: the descriptors that are ready.
  static func wait(reading: [Int32], writing: Set<Int32>, until due: ContinuousClock.Instant) -> Set<Int32> {
    var set = reading.map { pollfd(fd: $0, events: Int16(POLLIN) | (writing.contains($0) ? Int16(POLLOUT) : 0), revents: 0) }
    let wait = (due - .now).components
    let milliseconds = wait.seconds < 0 || wait.attoseconds < 0 ? 0 : min(wait.seconds, 60) * 1000 + wait.attoseconds / 1_000_000_000_000_000 + 1
    guard poll(&set, nfds_t(set.count), Int32(milliseconds)) > 0 else { return [] }
    return Set(set.filter { $0.revents != 0 }.map(\.fd))
  }

  static func pipe() -> (reading: Int32, writing: Int32)? {
    var ends: [Int32] = [-1, -1]
    let made = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends)
    return made == 0 ? (ends[0], ends[1]) : nil
  }

  /// A full pipe has been rung already.
  static func ring(_ fd: Int32) { _ = write(fd, [1], 1) }

  static func shut(_ fd: Int32) { _ = close(fd) }
}
