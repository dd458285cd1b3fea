import CPNSMessages
import CPNSModel
import CPNSSession
import NIOCore

/// A link over a NIO channel.
final class ChannelLink: Link {
  let peer: LinkPeer
  private let channel: any Channel
  private let queue: InboundQueue
  private let handler: NIOLoopBound<LinkHandler>

  init(peer: LinkPeer, channel: any Channel, queue: InboundQueue, handler: NIOLoopBound<LinkHandler>) {
    self.peer = peer
    self.channel = channel
    self.queue = queue
    self.handler = handler
  }

  /// Suspends until the bytes are with the kernel: that is the back-pressure.
  func send(_ envelope: Cpns_V1_Envelope) async throws(LinkError) {
    let body = envelope.bytes
    guard body.count <= Limits.frame else { throw .tooLarge(bytes: body.count, limit: Limits.frame) }
    var buffer = channel.allocator.buffer(capacity: body.count + FrameDecoder.headerLength)
    buffer.writeBytes(FrameEncoder.header(length: body.count))
    buffer.writeBytes(body)
    do { try await channel.writeAndFlush(buffer).getUnlessCancelled { _ in } } catch is CancellationError {
      throw .lost("cancelled")
    } catch {
      throw refusal ?? .lost("the link is closed")
    }
  }

  func receive() async throws(LinkError) -> Cpns_V1_Envelope? {
    try await queue.take { [channel, handler] in
      channel.eventLoop.execute { handler.value.resume() }
    }.get()
  }

  func accept(framesUpTo bytes: Int) {
    channel.eventLoop.execute { [handler] in handler.value.accept(framesUpTo: bytes) }
  }

  func close() async {
    channel.eventLoop.execute { [handler] in handler.value.close() }
    do { try await channel.closeFuture.get() } catch {}  // closed is closed
  }

  /// Why the peer did not take our proof, which it may say only after the handshake.
  var refusal: LinkError? {
    if case .untrusted = queue.ended { queue.ended } else { nil }
  }

  /// Sets up a channel's pipeline. On the channel's event loop.
  static func prepare(
    _ channel: any Channel, _ security: LinkSecurity, host: String? = nil, isSecure: Bool = false, canCloseHalf: Bool = true,
    greeted: @escaping @Sendable () -> Void = {}
  ) throws -> Preparation {
    let queue = InboundQueue()
    let secured = channel.eventLoop.makePromise(of: LinkPeer.Credential.self)
    if isSecure { secured.succeed(.none) }
    let handler = LinkHandler(security, queue, secured, isSecure: isSecure, canCloseHalf: canCloseHalf, greeted: greeted)
    do {
      try security.install(channel, host)
      try channel.pipeline.syncOperations.addHandler(handler)
    } catch {
      secured.fail(error)
      throw error
    }
    return Preparation(
      channel: channel, queue: queue, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop), secured: secured.futureResult,
      address: channel.remoteAddress?.plain ?? "local")
  }

  struct Preparation: Sendable {
    let channel: any Channel
    let queue: InboundQueue
    let handler: NIOLoopBound<LinkHandler>
    let secured: EventLoopFuture<LinkPeer.Credential>
    /// The peer's address as far as it was known at the start: a closed channel has none.
    let address: String

    /// Waits for the handshake. The channel is closed when it fails or the task is cancelled.
    func link() async throws(LinkError) -> ChannelLink {
      do {
        let credential = try await withTaskCancellationHandler {
          try await secured.get()
        } onCancel: {
          channel.close(promise: nil)
        }
        // A client's channel had no address before it was connected.
        let address = channel.remoteAddress?.plain ?? address
        return ChannelLink(peer: LinkPeer(credential: credential, address: address), channel: channel, queue: queue, handler: handler)
      } catch {
        channel.close(promise: nil)
        throw error as? LinkError ?? .lost("\(error)")
      }
    }
  }
}

extension SocketAddress {
  /// `10.77.0.40:51234`, `[fe80::1]:51234`.
  var plain: String {
    guard let ip = ipAddress.map(AddressLiteral.plain) else { return "unix" }
    return (ip.contains(":") ? "[\(ip)]" : ip) + ":\(port ?? 0)"
  }
}
