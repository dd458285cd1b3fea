import Glibc

/// The file that a unix socket is found by.
struct SocketFile {
  let path: String
  let mode: mode_t

  /// Makes the folder, and removes a socket that a dead process left; one that is answered on stays.
  func clear() throws(HTTPBindError) {
    guard path.utf8.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { throw HTTPBindError("\(path) is too long for a socket's name") }
    try makeFolder()
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else { throw HTTPBindError("\(path) is there and is no socket; move it away") }
    if try isAnswered() { throw HTTPBindError("somebody serves \(path) already; stop that first") }
    unlink(path)
  }

  /// The socket file's device and inode, after its mode was set.
  func open() throws(HTTPBindError) -> Identity {
    var status = stat()
    guard chmod(path, mode) == 0, lstat(path, &status) == 0 else { throw HTTPBindError("\(path): \(String(cString: strerror(errno)))") }
    return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  struct Identity: Equatable, Sendable {
    let device: UInt64
    let inode: UInt64
  }

  /// Removes the file unless it is somebody else's by now.
  func remove(_ identity: Identity) {
    var status = stat()
    guard lstat(path, &status) == 0, Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)) == identity else { return }
    unlink(path)
  }

  private func makeFolder() throws(HTTPBindError) {
    let parts = path.split(separator: "/").dropLast()
    var folder = path.hasPrefix("/") ? "" : "."
    for part in parts {
      folder += "/\(part)"
      guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { throw HTTPBindError("the folder \(folder): \(String(cString: strerror(errno)))") }
    }
  }

  private func isAnswered() throws(HTTPBindError) -> Bool {
    let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    guard probe >= 0 else { throw HTTPBindError("a socket: \(String(cString: strerror(errno)))") }
    defer { close(probe) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(probe, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    // A full queue (EAGAIN) is somebody too.
    return result == 0 || errno == EAGAIN
  }
}
