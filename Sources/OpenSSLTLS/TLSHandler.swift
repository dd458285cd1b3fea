package import NIOCore

/// TLS in a channel's pipeline.
///
///     handshaking ──done──▶ open ──close_notify either way──▶ closed
///          └── failed, 10 s ──▶ closed (errorCaught first)
///
/// Back-pressure is the channel's own: ciphertext is written at once, and `channelReadComplete`, writability and `read` pass through.
package final class TLSHandler: ChannelDuplexHandler {
  package typealias InboundIn = ByteBuffer
  package typealias InboundOut = ByteBuffer
  package typealias OutboundIn = ByteBuffer
  package typealias OutboundOut = ByteBuffer

  /// Longest time from connection to a finished handshake: a phone on bad Wi-Fi needs 3 s.
  package static let handshakeSeconds = 10
  /// Plaintext that may wait for the handshake: a Hello, not more.
  private static let maximumEarlyBytes = 64 << 10
  /// One TLS record's plaintext.
  private static let recordSize = 16 << 10

  private enum State { case handshaking, open, closed }

  private let connection: TLSConnection
  private let rejected: (@Sendable (_ pskIdentity: String, _ address: String) -> Void)?
  private var state = State.handshaking
  private var early: [(ByteBuffer, EventLoopPromise<Void>?)] = []
  private var earlyBytes = 0
  private var timeout: Scheduled<Void>?

  /// - Parameters:
  ///   - host: for clients: whom the server's certificate must be for.
  ///   - now: seconds since 1970 for certificate lifetimes; nil: the system's clock.
  ///   - rejected: a handshake with this pre-shared key's identity failed.
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
    guard timeout == nil else { return }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timeout = context.eventLoop.scheduleTask(in: .seconds(Int64(Self.handshakeSeconds))) {
      let (handler, context) = bound.value
      handler.fail(.timedOut, context)
    }
    shake(context)
  }

  // MARK: Inbound

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let bytes = unwrapInboundIn(data)
    guard state != .closed else { return }
    bytes.withUnsafeReadableBytes { connection.feed($0) }
    if state == .handshaking { shake(context) }
    if state == .open { drain(context) }
  }

  package func channelInactive(context: ChannelHandlerContext) {
    switch state {
    case .handshaking: fail(.broken("the peer closed the connection during the TLS handshake"), context)
    case .open:
      state = .closed
      context.fireErrorCaught(TLSError.broken("the connection ended without close_notify"))
    case .closed: break
    }
    failEarly(.broken("closed"))
    timeout?.cancel()
    context.fireChannelInactive()
  }

  private func shake(_ context: ChannelHandlerContext) {
    let step = connection.handshake()
    flushOutput(context)
    switch step {
    case .needsInput: return
    case .failed(let error): fail(error, context)
    case .done: opened(context)
    }
  }

  private func opened(_ context: ChannelHandlerContext) {
    timeout?.cancel()
    state = .open
    context.fireUserInboundEventTriggered(connection.established)
    let waiting = early
    early = []
    for (buffer, promise) in waiting { encrypt(buffer, promise, context) }
    context.flush()
  }

  private func drain(_ context: ChannelHandlerContext) {
    while state == .open {
      var plain = context.channel.allocator.buffer(capacity: Self.recordSize)
      var outcome: TLSConnection.Step?
      plain.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.recordSize) { space in
        let (count, step) = connection.read(into: space)
        outcome = step
        return count
      }
      flushOutput(context)
      switch outcome {
      case nil: context.fireChannelRead(wrapInboundOut(plain))
      case .needsInput: return
      case .done:
        state = .closed
        context.close(promise: nil)
      case .failed(let error): fail(error, context)
      }
    }
  }

  // MARK: Outbound

  package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let buffer = unwrapOutboundIn(data)
    switch state {
    case .open: encrypt(buffer, promise, context)
    case .closed: promise?.fail(ChannelError.ioOnClosedChannel)
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
    guard let cipher = output(context) else { return promise?.succeed(()) ?? () }
    context.write(wrapOutboundOut(cipher), promise: promise)
  }

  package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if state == .open, mode != .input {
      connection.shutdown()
      flushOutput(context)
    }
    state = .closed
    timeout?.cancel()
    failEarly(.broken("closed"))
    context.close(mode: mode, promise: promise)
  }

  private func flushOutput(_ context: ChannelHandlerContext) {
    guard let cipher = output(context) else { return }
    context.writeAndFlush(wrapOutboundOut(cipher), promise: nil)
  }

  private func output(_ context: ChannelHandlerContext) -> ByteBuffer? {
    let count = connection.pendingOutput
    guard count > 0 else { return nil }
    var buffer = context.channel.allocator.buffer(capacity: count)
    buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { connection.takeOutput(into: $0) }
    return buffer
  }

  private func fail(_ error: TLSError, _ context: ChannelHandlerContext) {
    guard state != .closed else { return }
    if state == .handshaking, let identity = connection.offeredIdentity {
      rejected?(identity, context.remoteAddress?.description ?? "")
    }
    flushOutput(context)
    state = .closed
    timeout?.cancel()
    failEarly(error)
    context.fireErrorCaught(error)
    context.close(promise: nil)
  }

  private func failEarly(_ error: TLSError) {
    let waiting = early
    early = []
    for (_, promise) in waiting { promise?.fail(error) }
  }
}
