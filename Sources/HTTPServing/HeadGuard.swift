import NIOCore
import NIOHTTP1

/// Counts a request's bytes before they are parsed: NIO's parser bounds one header field, not all of them.
final class HeadGuard: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let pace: ConnectionPace

  init(_ pace: ConnectionPace) { self.pace = pace }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let paced = try? context.pipeline.syncOperations.context(handler: pace) else { return }  // being torn down
    guard pace.bytesArrived(unwrapInboundIn(data).readableBytes, paced) else { return }
    context.fireChannelRead(data)
    if pace.isHeadTooLong { context.fireErrorCaught(HTTPParserError.headerOverflow) }
  }
}
