import NIOCore
import NIOHTTP1

/// What a client must do next and by when, and what it gets when it does something else.
///
///     idle ──first byte──▶ head ──head──▶ body ──end──▶ answering ──response──▶ idle
///       └─────────────── time is up, nothing HTTP ───────────────▶ lingering ──▶ closed
///
/// Lingering: what the client still sends is read and thrown away for a while, because a connection closed on unread
/// bytes is reset, and with it the answer that says what was wrong.
final class ConnectionPace: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPPart<HTTPResponseHead, ByteBuffer>
  typealias OutboundOut = HTTPServerResponsePart

  private enum Phase { case idle, head, body, answering, lingering }

  private let limits: HTTPLimits
  private let setWaiting: (Bool) -> Void
  private var phase = Phase.idle
  private var headBytes = 0
  private var lingered = 0
  private var hasBegunResponse = false
  /// The response is written while some of the body is still to come.
  private var isAnswered = false
  private var closesAfterResponse = false
  /// The next part of the body was asked for.
  private var wantsRead = true
  private var deadline: NIODeadline?
  private var stalled: NIODeadline?
  private var timer: Scheduled<Void>?
  private var timerDue = NIODeadline.distantFuture

  init(limits: HTTPLimits, setWaiting: @escaping (Bool) -> Void) {
    self.limits = limits
    self.setWaiting = setWaiting
  }

  // MARK: From the wire

  /// - Returns: whether the bytes are to be parsed.
  func bytesArrived(_ count: Int, _ context: ChannelHandlerContext) -> Bool {
    wantsRead = false
    if phase == .lingering {
      lingered += count
      if lingered > limits.lingerBytes { context.close(promise: nil) }
      return false
    }
    if phase == .idle { enter(.head, within: limits.headTime, context) }
    if phase == .head { headBytes += count }
    return true
  }

  /// After the bytes were parsed.
  var isHeadTooLong: Bool { phase == .head && headBytes > limits.headBytes }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard phase != .lingering else { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      if let failure = refusal(of: head) { return refuse(failure, context) }
      headBytes = 0
      isAnswered = false
      enter(.body, within: limits.idleTime, context)
      setWaiting(false)
    case .body: if !isAnswered { enter(.body, within: limits.idleTime, context) }
    case .end: if isAnswered { becomeIdle(context) } else { enter(.answering, within: nil, context) }
    }
    context.fireChannelRead(data)
  }

  func channelActive(context: ChannelHandlerContext) {
    becomeIdle(context)
    context.fireChannelActive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func read(context: ChannelHandlerContext) {
    if !wantsRead, phase == .body, !isAnswered { enter(.body, within: limits.idleTime, context) }
    wantsRead = true
    context.read()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let wrong = error as? HTTPParserError, phase != .lingering else { return context.fireErrorCaught(error) }
    let wasReading = phase == .body
    if hasBegunResponse { context.close(promise: nil) } else { refuse(Self.failure(wrong, limits), context) }
    // A handler that reads the body must know that no more comes.
    if wasReading { context.fireErrorCaught(error) }
  }

  // MARK: To the wire

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard phase != .lingering else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    switch unwrapOutboundIn(data) {
    case .head(let head):
      if head.status.code >= 200 {
        hasBegunResponse = true
        closesAfterResponse = head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
      }
      context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .body(let buffer): context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: promise)
    case .end(let trailers):
      let flushed = promise ?? context.eventLoop.makePromise()
      context.write(wrapOutboundOut(.end(trailers)), promise: flushed)
      responded(flushed.futureResult, context)
    }
  }

  private func responded(_ flushed: EventLoopFuture<Void>, _ context: ChannelHandlerContext) {
    hasBegunResponse = false
    let wasWhole = phase == .answering
    if closesAfterResponse { return linger(flushed, isWhole: wasWhole, context) }
    if wasWhole { return becomeIdle(context) }
    isAnswered = true
    setWaiting(true)
    enter(.body, within: limits.lingerTime, context)
  }

  /// The last response is on its way; then the connection closes.
  private func linger(_ flushed: EventLoopFuture<Void>, isWhole: Bool, _ context: ChannelHandlerContext) {
    setWaiting(true)
    enter(.lingering, within: limits.stallTime, context)
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    flushed.whenComplete { [lingerTime = limits.lingerTime] _ in
      let (handler, context) = bound.value
      if isWhole { context.close(promise: nil) } else { handler.enter(.lingering, within: lingerTime, context) }
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    stalled = context.channel.isWritable ? nil : .now() + limits.stallTime
    arm(context)
    context.fireChannelWritabilityChanged()
  }

  // MARK: Phases and time

  private func becomeIdle(_ context: ChannelHandlerContext) {
    enter(.idle, within: limits.idleTime, context)
    setWaiting(true)
  }

  private func enter(_ next: Phase, within time: TimeAmount?, _ context: ChannelHandlerContext) {
    phase = next
    deadline = time.map { .now() + $0 }
    arm(context)
  }

  /// One timer, set again when it rings early: a deadline that moves away with each piece costs nothing.
  private func arm(_ context: ChannelHandlerContext) {
    let due = min(deadline ?? .distantFuture, stalled ?? .distantFuture)
    guard due < timerDue else { return }
    timer?.cancel()
    timerDue = due
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(deadline: due) {
      let (handler, context) = bound.value
      handler.timerDue = .distantFuture
      handler.ring(context)
    }
  }

  private func ring(_ context: ChannelHandlerContext) {
    let now = NIODeadline.now()
    if let stalled, stalled <= now { return context.close(promise: nil) }
    // The client is not late with a body that we do not take.
    if let due = deadline, due <= now, phase != .body || wantsRead { return late(context) }
    if let due = deadline, due <= now { deadline = now + limits.idleTime }
    arm(context)
  }

  private func late(_ context: ChannelHandlerContext) {
    guard phase == .body, !hasBegunResponse, !isAnswered else { return context.close(promise: nil) }
    refuse(HTTPFailure(408, "too-slow", "the body stopped coming", remedy: "send it without long pauses"), context)
    context.fireErrorCaught(HTTPBodyError.cut)
  }

  // MARK: Refusing

  private func refusal(of head: HTTPRequestHead) -> HTTPFailure? {
    let size = head.uri.utf8.count + head.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    if size > limits.headBytes { return Self.failure(.headerOverflow, limits) }
    guard head.version.major == 1, head.version.minor <= 1 else { return Self.failure(.invalidVersion, limits) }
    guard head.version.minor == 0 || head.headers[canonicalForm: "host"].count == 1 else {
      return HTTPFailure(400, "bad-request", "the request has not exactly one Host header", remedy: "send one, as RFC 9112 says")
    }
    if case .RAW(let method) = head.method {
      return HTTPFailure(501, "unknown-method", "the method \(method.prefix(16)) is not known", remedy: "use GET, HEAD, POST, PUT or DELETE")
    }
    return nil
  }

  private static func failure(_ error: HTTPParserError, _ limits: HTTPLimits) -> HTTPFailure {
    switch error {
    case .headerOverflow:
      HTTPFailure(431, "head-too-large", "the request's line and headers are longer than \(limits.headBytes) bytes", remedy: "send fewer and shorter headers")
    case .invalidMethod: HTTPFailure(501, "unknown-method", "the method is not known", remedy: "use GET, HEAD, POST, PUT or DELETE")
    case .invalidVersion: HTTPFailure(505, "unknown-version", "the HTTP version is not known", remedy: "use HTTP/1.1")
    default: HTTPFailure(400, "bad-request", "the request is not HTTP/1.1", remedy: "check the client (RFC 9112)")
    }
  }

  private func refuse(_ failure: HTTPFailure, _ context: ChannelHandlerContext) {
    let response = failure.response
    guard case .bytes(let bytes) = response.body else { return }
    var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: response.status), headers: HTTPHeaders(response.headers))
    head.headers.add(name: "Content-Length", value: "\(bytes.count)")
    head.headers.add(name: "Connection", value: "close")
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
    let flushed = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: flushed)
    linger(flushed.futureResult, isWhole: false, context)
  }
}
