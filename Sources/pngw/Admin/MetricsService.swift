import AdminProtocol
import Configuration
import GatewayCore
import HTTPServing
import Logging
import NIOCore

/// `GET /metrics` over TCP, for a Prometheus that can't reach the admin socket. Off unless a port is configured.
struct MetricsService: Sendable {
  private let administration: Administration
  private let server: HTTPServer
  private let place: String
  private let logger: Logger

  /// - Returns: nil when it is off.
  init?(gateway: Gateway, configuration: GatewayConfiguration.Metrics, group: any EventLoopGroup, logger: Logger) {
    guard configuration.port != 0 else { return nil }
    administration = Administration(gateway: gateway)
    server = HTTPServer(group: group, binding: .tcp(address: configuration.address, port: configuration.port), logger: logger)
    place = "\(configuration.address):\(configuration.port)"
    self.logger = logger
  }

  /// The whole life: until cancelled. A port that is taken is no reason to end the gateway.
  func run() async {
    do { try await server.run(bound: { _ in }, handler: { try await self.answer($0) }) } catch {
      logger.error("metrics are not served", metadata: ["place": "\(place)", "why": "\(error)"])
      administration.raisePortTaken(place, "\(error)")
    }
    await Self.cancellation()
  }

  private func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
    guard request.path == ["metrics"] else { throw HTTPFailure.notFound("page but /metrics") }
    guard request.method == "GET" else { throw HTTPFailure.wrongMethod(request.method, allowed: ["GET"]) }
    do { return HTTPResponse(200, contentType: OpenMetrics.contentType, body: .bytes(Array(try await administration.metrics().utf8))) } catch {
      throw HTTPFailure(503, error.code.rawValue, error.message, remedy: error.remedy)
    }
  }

  private static func cancellation() async {
    let (never, continuation) = AsyncStream<Never>.makeStream()
    for await _ in never {}
    continuation.finish()
  }
}
