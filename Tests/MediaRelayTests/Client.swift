import Foundation
import Synchronization

/// A plain blocking client on its own thread: what it sends is exactly what it was told to.
final class Client: Sendable {
  let socket: Int32

  /// - Parameter receiveBuffer: bytes; 0: the system's choice.
  init(port: Int, from address: String = "127.0.0.1", receiveBuffer: Int32 = 0) throws {
    socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    if receiveBuffer > 0 {
      var size = receiveBuffer
      setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    var mine = Self.address(address, 0)
    _ = withUnsafePointer(to: &mine) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    var theirs = Self.address("127.0.0.1", port)
    let result = withUnsafePointer(to: &theirs) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard result == 0 else { throw POSIXError(.ECONNREFUSED) }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  static func address(_ text: String, _ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    inet_pton(AF_INET, text, &address.sin_addr)
    return address
  }

  deinit { close(socket) }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Foundation.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  func receive(atMost count: Int = 256 << 10) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: count)
    let received = recv(socket, &buffer, buffer.count, 0)
    return received > 0 ? Array(buffer.prefix(received)) : []
  }

  /// One response: head, and a body by Content-Length, in chunks, or to the end.
  func response(hasBody: Bool = true) async -> Response {
    await onThread { [self] in
      var bytes: [UInt8] = []
      var end = Self.find([13, 10, 13, 10], bytes)
      while end == nil {
        let piece = receive()
        if piece.isEmpty { break }
        bytes += piece
        end = Self.find([13, 10, 13, 10], bytes)
      }
      guard let end else { return Response(head: String(decoding: bytes, as: UTF8.self), body: []) }
      var response = Response(head: String(decoding: bytes[..<end], as: UTF8.self), body: Array(bytes[(end + 4)...]))
      if !hasBody { return response }
      if let length = response["content-length"].flatMap({ Int($0) }) {
        while response.body.count < length {
          let piece = receive()
          if piece.isEmpty { break }
          response.body += piece
        }
      } else {
        while response["transfer-encoding"] != "chunked" || !response.body.suffix(7).elementsEqual(Array("\r\n0\r\n\r\n".utf8)) {
          let piece = receive()
          if piece.isEmpty { break }
          response.body += piece
        }
      }
      return response
    }
  }

  static func find(_ mark: [UInt8], _ bytes: [UInt8]) -> Int? {
    guard bytes.count >= mark.count else { return nil }
    return (0...(bytes.count - mark.count)).first { bytes[$0..<$0 + mark.count].elementsEqual(mark) }
  }

  func ask(_ text: String, hasBody: Bool = true) async -> Response {
    send(text)
    return await response(hasBody: hasBody)
  }
}

struct Response: Sendable {
  var head: String
  var body: [UInt8]

  var status: Int { head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0 }

  subscript(name: String) -> String? {
    for line in head.components(separatedBy: "\r\n").dropFirst() {
      let sides = line.split(separator: ":", maxSplits: 1)
      if sides.count == 2, sides[0].lowercased() == name.lowercased() { return sides[1].trimmingCharacters(in: .whitespaces) }
    }
    return nil
  }

  /// The body without its chunks' frames.
  var unchunked: [UInt8] {
    var all: [UInt8] = []
    var rest = body[...]
    while let end = rest.firstIndex(of: 13) {
      let size = Int(String(decoding: rest[rest.startIndex..<end], as: UTF8.self), radix: 16) ?? 0
      if size == 0 { break }
      all += rest[(end + 2)..<(end + 2 + size)]
      rest = rest[(end + 4 + size)...]
    }
    return all
  }
}

func onThread<R: Sendable>(_ work: @escaping @Sendable () -> R) async -> R {
  await withCheckedContinuation { continuation in Thread.detachNewThread { continuation.resume(returning: work()) } }
}
