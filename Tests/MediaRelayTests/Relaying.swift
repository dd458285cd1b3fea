import Foundation
import GatewayCore
import Logging
import MediaRelay
import NIOCore
import NIOPosix

struct Relaying: Sendable {
  let relay: MediaRelay
  let port: Int

  func publish(
    _ content: any StagedContent, client: String = "127.0.0.1", contentFeatures: String = "DLNA.ORG_OP=01", lifetimeSeconds: Int = 60
  ) async throws -> RelayTicket {
    try await relay.publish(
      RelayOffering(content: content, client: client, localAddress: "127.0.0.1", contentFeatures: contentFeatures, lifetimeSeconds: lifetimeSeconds))
  }

  func path(_ ticket: RelayTicket) -> String { String(ticket.url.dropFirst("http://127.0.0.1:\(port)".count)) }

  func get(_ ticket: RelayTicket, method: String = "GET", _ fields: String = "", version: String = "1.1") async throws -> Response {
    try await Client(port: port).ask("\(method) \(path(ticket)) HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n", hasBody: method != "HEAD")
  }
}

/// A relay for the time of a test.
@discardableResult
func relaying<Result: Sendable>(_ body: @Sendable @escaping (Relaying) async throws -> Result) async throws -> Result {
  var logger = Logger(label: "test")
  logger.logLevel = .warning
  let relay = MediaRelay(group: MultiThreadedEventLoopGroup.singleton, port: 0, logger: logger)
  let (ports, port) = AsyncStream<Int>.makeStream()
  return try await withThrowingTaskGroup(of: Result?.self) { group in
    group.addTask {
      try await relay.run { port.yield($0) }
      return nil
    }
    group.addTask {
      for await number in ports { return try await body(Relaying(relay: relay, port: number)) }
      return nil
    }
    defer { group.cancelAll() }
    while let result = try await group.next() { if let result { return result } }
    throw CancellationError()
  }
}
