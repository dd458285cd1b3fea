import CPNSModel
import Configuration
import HTTPServing
import Logging
import NIOCore
import OpenSSLTLS
import ServerCore

/// What Application/Content Entities use: CPNS-4, HTTPS and JSON.
struct API: Sendable {
  /// Clients that send content keep their connection for long.
  private static let connections = 256

  let server: Server
  private let http: HTTPServer
  private let gate: Gate

  init(server: Server, configuration: ServerConfiguration.API, context: TLSContext, token: [UInt8], group: any EventLoopGroup, logger: Logger) {
    var limits = HTTPLimits()
    limits.connections = Self.connections
    self.server = server
    gate = Gate(token: token)
    http = HTTPServer(group: group, binding: .tcp(address: configuration.address, port: configuration.port), limits: limits, logger: logger) { channel in
      try channel.pipeline.syncOperations.addHandler(TLSHandler(context))
    }
  }

  /// Serves until cancelled.
  func run(bound: @Sendable (_ port: Int) async -> Void) async throws(HTTPBindError) {
    try await http.run(bound: bound) { request in try await self.answer(request) }
  }

  private func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
    try gate.admit(request)
    guard let route = Route(request.path) else { throw HTTPFailure.notFound("resource at that path") }
    // RFC 9110: what can be got can be asked for its head; the connection leaves the body out.
    let method = request.method == "HEAD" ? "GET" : request.method
    guard route.methods.contains(method) else { throw HTTPFailure.wrongMethod(request.method, allowed: route.methods) }
    do { return try await handle(method, route, request) } catch let failure as ServerFailure { throw HTTPFailure(failure) }
  }
}
