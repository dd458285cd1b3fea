import CPNSMessages
import CPNSSession
import CPNSModel
import NIOCore
import Synchronization

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
    do { try await channel.writeAndFlush(buffer) } catch { throw .lost("the link is closed") }
  }

  func receive() async throws(LinkError) -> Cpns_V1_Envelope? {
    try await queue.take { [channel, handler] in
      channel.eventLoop.execute { Self.resume(channel, handler) }
    }.get()
  }

  func accept(framesUpTo bytes: Int) {
    channel.eventLoop.execute { [handler] in handler.value.setLimit(bytes) }
  }

  func close() async {
    do { try await channel.close() } catch {}  // it is closed already
  }

  private static func resume(_ channel: any Channel, _ handler: NIOLoopBound<LinkHandler>) {
    guard let context = try? channel.pipeline.syncOperations.context(handler: handler.value) else { return }  // closed meanwhile
    handler.value.resume(context)
  }

  /// Sets up a channel's pipeline. On the channel's event loop.
  static func prepare(_ channel: any Channel, _ security: LinkSecurity, host: String?, isSecure: Bool) throws -> Preparation {
    let queue = InboundQueue()
    let secured = channel.eventLoop.makePromise(of: LinkPeer.Credential.self)
    if isSecure { secured.succeed(.none) }
    let handler = LinkHandler(security, queue, secured, isSecure: isSecure)
    try security.install(channel, host)
    try channel.pipeline.syncOperations.addHandler(handler)
    return Preparation(
      channel: channel, queue: queue, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop), secured: secured.futureResult,
      source: channel.remoteAddress?.ipAddress ?? "", address: channel.remoteAddress?.plain ?? "local")
  }

  struct Preparation: Sendable {
    let channel: any Channel
    let queue: InboundQueue
    let handler: NIOLoopBound<LinkHandler>
    let secured: EventLoopFuture<LinkPeer.Credential>
    /// The peer's address without and with its port, as they were at the start: a closed channel has none.
    let source: String
    let address: String

    /// Waits for the handshake.
    func link() async throws(LinkError) -> ChannelLink {
      do {
        let credential = try await secured.get()
        return ChannelLink(peer: LinkPeer(credential: credential, address: address), channel: channel, queue: queue, handler: handler)
      } catch let error as LinkError {
        throw error
      } catch {
        throw .lost("\(error)")
      }
    }
  }
}

extension SocketAddress {
  /// `10.77.0.40:51234`, `[fe80::1]:51234`.
  var plain: String {
    guard let ip = ipAddress else { return "unix" }
    return (ip.contains(":") ? "[\(ip)]" : ip) + ":\(port ?? 0)"
  }
}
