import Foundation
import Glibc
import HTTPServing
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A server for the time of a test, and a place for its socket.
func serving<Result: Sendable>(
  on binding: (String) -> HTTPBinding = { _ in .tcp(address: "127.0.0.1", port: 0) }, limits: HTTPLimits = HTTPLimits(),
  _ handler: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse,
  _ body: @Sendable @escaping (_ port: Int, _ folder: String) async throws -> Result
) async throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "http-\(UUID())").path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  let server = HTTPServer(group: MultiThreadedEventLoopGroup.singleton, binding: binding(folder), limits: limits, logger: Logger(label: "test"))
  let (ports, port) = AsyncStream<Int>.makeStream()
  return try await withThrowingTaskGroup(of: Result?.self) { group in
    group.addTask {
      try await server.run(bound: { port.yield($0) }, handler: handler)
      return nil
    }
    group.addTask {
      for await number in ports { return try await body(number, folder) }
      return nil
    }
    defer { group.cancelAll() }
    while let result = try await group.next() { if let result { return result } }
    throw CancellationError()
  }
}

/// A plain blocking client on its own thread: what it sends is exactly what it was told to.
final class Client: Sendable {
  let socket: Int32

  init(port: Int) throws {
    socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard result == 0 else { throw POSIXError(.ECONNREFUSED) }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(socket) }

  func send(_ text: String) { send(Array(text.utf8)) }
  @discardableResult
  func send(_ bytes: [UInt8]) -> Int {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { Foundation.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count <= 0 { break }
      sent += count
    }
    return sent
  }

  func receive() -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(socket, &buffer, buffer.count, 0)
    return count > 0 ? Array(buffer.prefix(count)) : []
  }

  /// Reads until `mark` has come, or the end.
  func receive(until mark: String) async -> String {
    await onThread { [self] in
      var all: [UInt8] = []
      var seen = 0
      while !String(decoding: all[max(0, seen - mark.utf8.count)...], as: UTF8.self).contains(mark) {
        seen = all.count
        let piece = receive()
        if piece.isEmpty { break }
        all += piece
      }
      return String(decoding: all, as: UTF8.self)
    }
  }
  func receiveAll() async -> String { await receive(until: "\u{1}never\u{1}") }

  static func ask(_ port: Int, _ text: String, until mark: String = "\u{1}never\u{1}") async throws -> String {
    let client = try Client(port: port)
    await onThread { client.send(text) }
    return await client.receive(until: mark)
  }
}

func onThread<R: Sendable>(_ work: @escaping @Sendable () -> R) async -> R {
  await withCheckedContinuation { continuation in Thread.detachNewThread { continuation.resume(returning: work()) } }
}

/// Runs a program to its end.
func run(_ words: [String]) async throws -> (status: Int32, output: String) {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread {
      let process = Process()
      let pipe = Pipe()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = words
      process.standardOutput = pipe
      process.standardError = FileHandle.nullDevice
      do {
        try process.run()
        let data = pipe.fileHandleForReading.all()
        process.waitUntilExit()
        continuation.resume(returning: (process.terminationStatus, String(decoding: data, as: UTF8.self)))
      } catch { continuation.resume(throwing: error) }
    }
  }
}

/// Something that happens later in another task.
final class Signal: Sendable {
  private let (stream, continuation) = AsyncStream<Void>.makeStream()
  func fire() { continuation.yield() }
  func wait() async { for await _ in stream { return } }
}

let echo: @Sendable (HTTPRequest) async throws -> HTTPResponse = { request in
  switch request.path {
  case ["echo"]: HTTPResponse(200, contentType: "text/plain", body: .bytes(try await request.collectBody(upTo: 4 << 20)))
  case ["small"]: HTTPResponse(200, contentType: "text/plain", body: .bytes(try await request.collectBody(upTo: 10)))
  case ["ignored"]: HTTPResponse(401, contentType: "text/plain", body: .bytes(Array("no\n".utf8)))
  case ["show"]: .json(200, ["method": request.method, "path": request.path.joined(separator: "|"), "q": request.query["q"] ?? "", "peer": "\(request.peer)"])
  case ["broken"]: throw CancellationError()
  default: throw HTTPFailure.notFound("\(request.path)")
  }
}

extension FileHandle {
  /// What comes next, at most 64 KiB; empty at the end. Foundation's own reading ends the process when a signal interrupts it (a child's end is one).
  func next() -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(fileDescriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      return Array(buffer.prefix(max(count, 0)))
    }
  }

  func all() -> [UInt8] {
    var bytes: [UInt8] = []
    while case let piece = next(), !piece.isEmpty { bytes += piece }
    return bytes
  }
}
