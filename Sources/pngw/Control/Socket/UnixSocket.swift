import Glibc

/// One blocking connection to a unix socket. Every wait has an end.
final class UnixSocket {
  /// A gateway that takes nothing of what is sent for this long hangs.
  private static let sendSeconds = 60
  private static let pieceBytes = 64 << 10

  private let descriptor: CInt

  init(path: String) throws(ControlFailure) {
    var address = sockaddr_un()
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { throw .usage("\(path) is too long for a socket's name") }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Self.failure(path, errno) }
    // Also bounds connect(2), when the gateway's queue is full.
    var limit = timeval(tv_sec: Self.sendSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    guard result == 0 else { throw Self.failure(path, errno) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private static func failure(_ path: String, _ code: CInt) -> ControlFailure {
    let why = String(cString: strerror(code))
    switch code {
    case ENOENT, ENOTDIR:
      return .unreachable("there is no admin socket at \(path)", remedy: "start the gateway (systemctl start pngwd), or name its socket with --socket (admin.socket in pngw.toml)")
    case ECONNREFUSED:
      return .unreachable("nobody serves \(path)", remedy: "the gateway has ended: start it again (systemctl start pngwd), and look at its log")
    case EACCES, EPERM:
      return .unreachable("\(path): \(why)", remedy: "the folders above the socket must be open to you; try as root")
    default: return .unreachable("\(path): \(why)", remedy: "see that the gateway runs (systemctl status pngwd)")
    }
  }

  /// - Returns: false when the other side takes no more: it has answered already, or has gone.
  func send(_ bytes: ArraySlice<UInt8>) throws(ControlFailure) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EPIPE || errno == ECONNRESET { return false }
      guard count > 0 else { throw Self.stopped(errno == EAGAIN ? "it took nothing for \(Self.sendSeconds) s" : String(cString: strerror(errno))) }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// The user of who listens there (unix(7), SO_PEERCRED).
  var peerUser: UInt32? {
    // struct ucred: process, user, group.
    var credentials: (Int32, UInt32, UInt32) = (0, 0, 0)
    var length = socklen_t(MemoryLayout.size(ofValue: credentials))
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 ? credentials.1 : nil
  }

  /// Waits for bytes, or for the other side's end.
  /// - Returns: false when `milliseconds` pass without.
  func isReadable(within milliseconds: Int) throws(ControlFailure) -> Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while true {
      let result = poll(&wanted, 1, CInt(clamping: milliseconds))
      if result < 0, errno == EINTR { continue }
      guard result >= 0 else { throw Self.stopped(String(cString: strerror(errno))) }
      return result > 0
    }
  }

  /// - Returns: what is there; empty at the end.
  func receive() throws(ControlFailure) -> [UInt8] {
    var failure: CInt = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Self.pieceBytes) { buffer, filled in
      var count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      while count < 0, errno == EINTR { count = recv(descriptor, buffer.baseAddress, buffer.count, 0) }
      failure = count < 0 ? errno : 0
      filled = max(0, count)
    }
    guard failure == 0 || failure == ECONNRESET else { throw Self.stopped(String(cString: strerror(failure))) }
    return bytes
  }

  static func stopped(_ why: String) -> ControlFailure {
    .unreachable("the gateway stopped talking: \(why)", remedy: "look at its log (journalctl -u pngwd), and try again")
  }
}
