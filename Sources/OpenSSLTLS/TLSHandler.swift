import CPNSModel
package import NIOCore

/// TLS in a channel's pipeline.
///
///     handshaking ──done──▶ open ──close(.output)──▶ closing ──peer's close_notify──▶ closed
///          │                 ├── close, peer's close_notify ───────────────────────────▲
///          └── failed, 10 s ─┴── broken (errorCaught first) ────────────────────────────┘
///
/// Back-pressure is the channel's own: what is written is encrypted at once and its promise waits for the kernel;
/// writability and `read` pass through.
package final class TLSHandler: ChannelDuplexHandler {
  package typealias InboundIn = ByteBuffer
  package typealias InboundOut = ByteBuffer
  package typealias OutboundIn = ByteBuffer
  package typealias OutboundOut = ByteBuffer

  /// Longest time from connection to a finished handshake: a phone on bad Wi-Fi needs 3 s.
  package static let handshakeSeconds = 10
  /// Plaintext that may wait for the handshake: a Hello, not more.
  private static let maximumEarlyBytes = 64 << 10
  /// Answers that TLS itself gives (a key update asks for one each) and that the peer does not read: no honest peer gets near.
  private static let maximumUnreadAnswers = 64 << 10

  private enum State { case handshaking, open, closing, closed }

  private let connection: TLSConnection
  private let rejected: (@Sendable (_ pskIdentity: String, _ address: String) -> Void)?
  private var state = State.handshaking
  private var early: [(ByteBuffer, EventLoopPromise<Void>?)] = []
  private var earlyBytes = 0
  private var unreadAnswers = 0
  private var timeout: Scheduled<Void>?

  /// - Parameters:
  ///   - host: for clients: whom the server's certificate must be for.
  ///   - now: seconds since 1970 for certificate lifetimes; nil: the system's clock.
  ///   - rejected: a handshake with this pre-shared key's identity failed its proof. Not called when the connection was merely lost.
  package init(
    _ context: TLSContext, host: String? = nil, now: Int64? = nil,
    rejected: (@Sendable (_ pskIdentity: String, _ address: String) -> Void)? = nil
  ) throws(TLSError) {
    connection = try TLSConnection(context, host: host, now: now)
    self.rejected = rejected
  }

  package func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive { begin(context) }
  }

  package func channelActive(context: ChannelHandlerContext) {
    begin(context)
    context.fireChannelActive()
  }

  private func begin(_ context: ChannelHandlerContext) {
    guard timeout == nil, state == .handshaking else { return }
    timeout = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Int64(Self.handshakeSeconds))) {
      if self.state == .handshaking { self.fail(.timedOut, context) }
    }
    let step = connection.begin()
    send(context)
    if case .failed(let error) = step { fail(error, context) }
  }

  // MARK: Inbound

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard state != .closed else { return }
    let progress = unwrapInboundIn(data).withUnsafeReadableBytes { connection.advance($0, context.channel.allocator) }
    send(context)
    if let established = progress.established { opened(established, context) }
    // What is fired may close this channel.
    if state == .open, progress.plain.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(progress.plain)) }
    switch progress.step {
    case .needsInput: if unreadAnswers > Self.maximumUnreadAnswers { fail(.broken("the peer does not read what it asks for"), context) }
    case .done: peerClosed(context)
    case .failed(let error): reject(error, context)
    }
  }

  package func channelInactive(context: ChannelHandlerContext) {
    switch state {
    case .handshaking: fail(.broken("the peer closed the connection during the TLS handshake"), context)
    case .open: fail(.broken("the connection ended without close_notify"), context)
    case .closing, .closed: end(.broken("closed"))
    }
    context.fireChannelInactive()
  }

  private func opened(_ established: TLSEstablished, _ context: ChannelHandlerContext) {
    guard state == .handshaking else { return }
    timeout?.cancel()
    state = .open
    let waiting = early
    early = []
    for (buffer, promise) in waiting { encrypt(buffer, promise, context) }
    context.flush()
    context.fireUserInboundEventTriggered(established)
  }

  private func peerClosed(_ context: ChannelHandlerContext) {
    guard state == .open || state == .closing else { return }
    if state == .open {
      connection.shutdown()
      send(context)
    }
    end(.broken("closed"))
    context.close(promise: nil)
  }

  // MARK: Outbound

  package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let buffer = unwrapOutboundIn(data)
    switch state {
    case .open: encrypt(buffer, promise, context)
    case .closing, .closed: promise?.fail(ChannelError.ioOnClosedChannel)
    case .handshaking:
      earlyBytes += buffer.readableBytes
      guard earlyBytes <= Self.maximumEarlyBytes else { return promise?.fail(TLSError.broken("too much was written before the handshake")) ?? () }
      early.append((buffer, promise))
    }
  }

  private func encrypt(_ buffer: ByteBuffer, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
    let step = buffer.withUnsafeReadableBytes { connection.write($0) }
    guard case .done = step else {
      promise?.fail(TLSError.broken("can't be encrypted"))
      return fail(.broken("can't be encrypted"), context)
    }
    guard let cipher = connection.takeOutput() else { return promise?.succeed(()) ?? () }
    context.write(wrapOutboundOut(cipher), promise: promise)
  }

  package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if mode == .input { return context.close(mode: .input, promise: promise) }
    let halfway = mode == .output && state != .handshaking
    if state == .open {
      connection.shutdown()
      send(context)
    }
    if halfway, state != .closed { state = .closing } else { end(.broken("closed")) }
    context.close(mode: halfway ? .output : .all, promise: promise)
  }

  /// Sends what TLS has to say of its own accord.
  private func send(_ context: ChannelHandlerContext) {
    guard let cipher = connection.takeOutput() else { return }
    let count = cipher.readableBytes
    let sent = context.eventLoop.makePromise(of: Void.self)
    unreadAnswers += count
    sent.futureResult.assumeIsolated().whenComplete { _ in self.unreadAnswers -= count }
    context.writeAndFlush(wrapOutboundOut(cipher), promise: sent)
  }

  // MARK: The end

  /// The bytes themselves were wrong, not just the connection lost.
  private func reject(_ error: TLSError, _ context: ChannelHandlerContext) {
    if state == .handshaking, let identity = connection.offeredIdentity {
      rejected?(identity, AddressLiteral.plain(context.remoteAddress?.ipAddress ?? ""))
    }
    fail(error, context)
  }

  private func fail(_ error: TLSError, _ context: ChannelHandlerContext) {
    guard state != .closed else { return }
    let wasClosing = state == .closing
    end(error)
    // Who has said goodbye does not care how the other goes.
    if !wasClosing { context.fireErrorCaught(error) }
    context.close(promise: nil)
  }

  private func end(_ error: TLSError) {
    state = .closed
    timeout?.cancel()
    let waiting = early
    early = []
    for (_, promise) in waiting { promise?.fail(error) }
  }
}
