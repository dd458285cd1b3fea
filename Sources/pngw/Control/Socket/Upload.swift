import AdminProtocol
import Glibc

/// Sends a file to `POST /v1/contents`, a piece at a time.
struct Upload {
  private static let pieceBytes = 256 << 10

  let path: String
  let mediaType: String

  /// The file's name without its folders.
  var name: String { path.split(separator: "/").last.map(String.init) ?? path }

  /// - Parameter progress: bytes sent, and of how many.
  /// - Returns: the answer's body.
  func send(to client: AdminClient, progress: (UInt64, UInt64) -> Void) throws(ControlFailure) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw .usage("\(path): \(String(cString: strerror(errno)))") }
    defer { close(file) }
    let size = try Self.size(of: file, path)
    let socket = try UnixSocket(path: client.socketPath)
    let fields = ["Content-Type: \(mediaType)", "Content-Length: \(size)"]
    let target = Target("contents", query: [("name", name)])
    var goesOn = try socket.send(AdminClient.head("POST", target, fields)[...])
    var sent: UInt64 = 0
    // An answer before the end is a refusal: the rest is not wanted.
    while goesOn, sent < size, try !socket.isReadable(within: 0) {
      let piece = try read(file, upTo: min(size - sent, UInt64(Self.pieceBytes)))
      goesOn = try socket.send(piece[...])
      sent += UInt64(piece.count)
      progress(sent, size)
    }
    return try AdminClient.answer(on: socket)
  }

  private static func size(of file: CInt, _ path: String) throws(ControlFailure) -> UInt64 {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw .usage("\(path): \(String(cString: strerror(errno)))") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .usage("\(path) is no regular file") }
    return UInt64(max(0, status.st_size))
  }

  private func read(_ file: CInt, upTo count: UInt64) throws(ControlFailure) -> [UInt8] {
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, filled in
      filled = max(0, Glibc.read(file, buffer.baseAddress, buffer.count))
    }
    guard !bytes.isEmpty else { throw .failed("\(path) became shorter while it was read") }
    return bytes
  }
}
