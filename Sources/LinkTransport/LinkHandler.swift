import CPNSMessages
import CPNSModel
import CPNSSession
import NIOCore
import SwiftProtobuf
import Synchronization

/// Bytes ↔ frames ↔ envelopes at the end of a link's pipeline, and when to read.
///
///     securing ──proved──▶ open ──end of stream, error──▶ ended
final class LinkHandler: ChannelInboundHandler, ChannelOutboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let security: LinkSecurity
  private let queue: InboundQueue
  private let secured: EventLoopPromise<LinkPeer.Credential>
  private var decoder = FrameDecoder(limit: Limits.frameBeforeHello)
  private var isOpen: Bool
  private var wantsRead = false
  private var failure: LinkError?

  init(_ security: LinkSecurity, _ queue: InboundQueue, _ secured: EventLoopPromise<LinkPeer.Credential>, isSecure: Bool) {
    self.security = security
    self.queue = queue
    self.secured = secured
    self.isOpen = isSecure
  }

  func setLimit(_ bytes: Int) { decoder.limit = bytes }

  // MARK: Reading only when there is room

  func read(context: ChannelHandlerContext) {
    // The handshake is not envelopes.
    if !isOpen || queue.hasRoom { context.read() } else { wantsRead = true }
  }

  func resume(_ context: ChannelHandlerContext) {
    guard wantsRead, queue.hasRoom else { return }
    wantsRead = false
    context.read()
  }

  // MARK: Inbound

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard failure == nil else { return }
    unwrapInboundIn(data).withUnsafeReadableBytes { decoder.push($0) }
    do {
      while let frame = try decoder.next() {
        _ = queue.put(try Cpns_V1_Envelope(serializedBytes: frame))
      }
    } catch let error as FrameError {
      end(.malformed(Self.words(error)), context)
    } catch {
      end(.malformed("a frame is not an Envelope"), context)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let credential = security.credential(event) {
      isOpen = true
      secured.succeed(credential)
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(security.meaning(error) ?? .lost("\(error)"), context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    let cut = decoder.pending > 0 ? LinkError.malformed("the stream ended inside a frame") : nil
    if let error = failure ?? cut { queue.end(.failure(error)) } else { queue.end(.success(())) }
    secured.fail(failure ?? LinkError.lost("the connection was closed"))
    context.fireChannelInactive()
  }

  private func end(_ error: LinkError, _ context: ChannelHandlerContext) {
    guard failure == nil else { return }
    failure = error
    queue.end(.failure(error))
    secured.fail(error)
    context.close(promise: nil)
  }

  private static func words(_ error: FrameError) -> String {
    switch error {
    case .tooLong(let announced, let limit): "a frame of \(announced) bytes was announced, \(limit) are taken now"
    case .empty: "an empty frame"
    }
  }
}
