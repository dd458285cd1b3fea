import Logging
import NIOCore
import NIOHTTP1

/// One connection: request after request, each answered before the next is read.
struct HTTPConnection: Sendable {
  typealias Channel = NIOAsyncChannel<HTTPServerRequestPart, HTTPPart<HTTPResponseHead, ByteBuffer>>
  typealias Writer = NIOAsyncChannelOutboundWriter<HTTPPart<HTTPResponseHead, ByteBuffer>>

  /// Bytes given to the channel at once; the next wait until the client has taken most of them.
  private static let pieceBytes = 64 << 10

  let channel: Channel
  let peer: HTTPPeer
  let limits: HTTPLimits
  let logger: Logger

  /// On the channel's event loop.
  static func prepare(_ channel: any NIOCore.Channel, _ limits: HTTPLimits, setWaiting: @escaping (Bool) -> Void) throws {
    let pace = ConnectionPace(limits: limits, setWaiting: setWaiting)
    try channel.pipeline.syncOperations.addHandlers([
      HeadGuard(pace), HTTPResponseEncoder(), ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)),
      NIOHTTPResponseHeadersValidator(), HTTPServerPipelineHandler(), pace,
    ])
  }

  func serve(_ handler: @Sendable (HTTPRequest) async throws -> HTTPResponse) async {
    do {
      try await channel.executeThenClose { inbound, outbound in
        var parts = inbound.makeAsyncIterator()
        while let part = try await parts.next(isolation: #isolation) {
          guard case .head(let head) = part else { continue }
          guard let next = try await answer(head, parts, outbound, handler) else { return }
          parts = next
        }
      }
    } catch {
      logger.debug("http connection ended", metadata: ["error": "\(error)"])
    }
  }

  /// - Returns: nil when no request may follow.
  private func answer(
    _ head: HTTPRequestHead, _ parts: HTTPBody.Parts, _ outbound: Writer, _ handler: @Sendable (HTTPRequest) async throws -> HTTPResponse
  ) async throws -> HTTPBody.Parts? {
    let body = HTTPBody(parts, invite: Self.invitation(head, outbound))
    let request: HTTPRequest
    do throws(HTTPFailure) { request = try Self.request(head, peer, body) } catch {
      return try await finish(error.response, head, body, outbound)
    }
    return try await finish(await response(to: request, handler), head, body, outbound)
  }

  /// `100 Continue`, for a client that waits for it before it sends the body.
  private static func invitation(_ head: HTTPRequestHead, _ outbound: Writer) -> (@Sendable () async throws -> Void)? {
    guard head.headers[canonicalForm: "expect"].contains(where: { $0.lowercased() == "100-continue" }) else { return nil }
    return { try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: .continue))) }
  }

  /// Writes the response. Then reads what is left of the body, when that is little, or waits for the end of the connection:
  /// ``ConnectionPace`` closes it.
  private func finish(_ response: HTTPResponse, _ head: HTTPRequestHead, _ body: HTTPBody, _ outbound: Writer) async throws -> HTTPBody.Parts? {
    guard let body = body.withdraw() else {
      try await write(response, head, false, outbound)
      return try await untilClosed()
    }
    let hasEnd = !response.isStream || head.version.minor > 0
    let keepsAlive = head.isKeepAlive && hasEnd && (body.isAtEnd || isSmall(head))
    try await write(response, head, keepsAlive, outbound)
    let parts = try await body.drain()
    if keepsAlive { return parts }
    var rest = parts
    while try await rest.next(isolation: #isolation) != nil {}
    return nil
  }

  private func isSmall(_ head: HTTPRequestHead) -> Bool {
    switch HTTPBodyLength(transferEncoding: head.headers.first(name: "transfer-encoding"), contentLength: head.headers.first(name: "content-length")) {
    case .none: true
    case .bytes(let count): count <= limits.drainBytes
    case .unknown: false
    }
  }

  /// Until the client or ``ConnectionPace`` closes.
  private func untilClosed() async throws -> HTTPBody.Parts? {
    let (gone, leave) = AsyncStream<Never>.makeStream()
    channel.channel.closeFuture.whenComplete { _ in leave.finish() }
    for await _ in gone {}
    return nil
  }

  private func response(to request: HTTPRequest, _ handler: @Sendable (HTTPRequest) async throws -> HTTPResponse) async -> HTTPResponse {
    do { return try await handler(request) } catch let failure as HTTPFailure {
      return failure.response
    } catch {
      logger.error("http handler failed", metadata: ["method": "\(request.method)", "error": "\(error)"])
      return HTTPFailure(500, "internal", "this went wrong inside", remedy: "look at the log and try again").response
    }
  }

  private static func request(_ head: HTTPRequestHead, _ peer: HTTPPeer, _ body: HTTPBody) throws(HTTPFailure) -> HTTPRequest {
    let target = try RequestTarget(head.uri)
    var headers: [String: String] = [:]
    for (name, value) in head.headers {
      let name = name.lowercased()
      headers[name] = headers[name].map { "\($0), \(value)" } ?? value
    }
    return HTTPRequest(method: head.method.rawValue, path: target.path, query: target.query, headers: headers, peer: peer, body: body)
  }

  // MARK: Writing

  private func write(_ response: HTTPResponse, _ request: HTTPRequestHead, _ keepsAlive: Bool, _ outbound: Writer) async throws {
    var head = HTTPResponseHead(version: request.version, status: .init(statusCode: response.status), headers: HTTPHeaders(response.headers))
    if !keepsAlive { head.headers.replaceOrAdd(name: "Connection", value: "close") }
    let hasBody = request.method != .HEAD && response.status != 204 && response.status != 304
    switch response.body {
    case .bytes(let bytes):
      head.headers.replaceOrAdd(name: "Content-Length", value: "\(bytes.count)")
      try await outbound.write(.head(head))
      for start in stride(from: 0, to: hasBody ? bytes.count : 0, by: Self.pieceBytes) {
        try await outbound.write(.body(ByteBuffer(bytes: bytes[start..<min(bytes.count, start + Self.pieceBytes)])))
      }
    case .stream(let produce):
      try await outbound.write(.head(head))
      if hasBody { try await stream(produce, outbound) }
    }
    try await outbound.write(.end(nil))
  }

  /// Ends when the producer does, or when the client has gone.
  private func stream(_ produce: @escaping @Sendable (@escaping HTTPResponse.Write) async throws -> Void, _ outbound: Writer) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await produce { try await outbound.write(.body(ByteBuffer(bytes: $0))) } }
      group.addTask { _ = try await untilClosed() }
      try await group.next()
      group.cancelAll()
    }
  }
}

extension HTTPResponse {
  var isStream: Bool { if case .stream = body { true } else { false } }
}
