import GatewayCore
import Glibc
import Logging
import MediaProtocol
import NIOCore

/// One connection of a device: request after request.
///
///     waiting ──head──▶ serving ⇄ hungry ──all sent──▶ waiting
///        └─ 10 s in a head, 60 s in silence, client gone, withdrawn ──▶ closed
///
/// The bytes go from the file to the socket within the kernel (`sendfile`); what is in memory for a connection is its
/// request's head. Nothing is read while a request is served.
final class RelayConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = IOData

  /// From a request's first byte to its last.
  static let headTime = TimeAmount.seconds(10)
  /// Silence between requests: players keep a connection while they play from their buffer.
  static let idleTime = TimeAmount.seconds(60)

  private let id: RelayID
  private let client: IPAddress
  private let desk: RelayDesk
  private let roster: RelayRoster
  private let logger: Logger
  private var input = ByteBuffer()
  private var transfer: RelayTransfer?
  private var timer: Scheduled<Void>?
  private var isHeadBegun = false
  /// Our side is closed; what still comes is thrown away.
  private var isClosing = false

  init(id: RelayID, client: IPAddress, desk: RelayDesk, roster: RelayRoster, logger: Logger) {
    self.id = id
    self.client = client
    self.desk = desk
    self.roster = roster
    self.logger = logger
  }

  func channelActive(context: ChannelHandlerContext) { awaitRequest(context) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isClosing else { return }
    var bytes = unwrapInboundIn(data)
    input.writeBuffer(&bytes)
    // Only when the client has closed its side comes so much at once.
    if input.readableBytes > 2 * HTTPHead.longest { context.close(promise: nil) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if isClosing { context.read() } else if transfer == nil { takeRequest(context) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    end(context)
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  // MARK: Requests

  private func awaitRequest(_ context: ChannelHandlerContext) {
    isHeadBegun = false
    arm(Self.idleTime, context)
    roster.setWaiting(id, true)
    takeRequest(context)
  }

  private func takeRequest(_ context: ChannelHandlerContext) {
    // Some clients end their last request with one line end too many (RFC 9112, 2.2).
    while let byte = input.getInteger(at: input.readerIndex, as: UInt8.self), byte == 13 || byte == 10 { input.moveReaderIndex(forwardBy: 1) }
    guard let length = Self.headLength(input.readableBytesView) else {
      guard input.readableBytes <= HTTPHead.longest else { return write(.refusal(431), nil, context) }
      if input.readableBytes > 0, !isHeadBegun {
        isHeadBegun = true
        arm(Self.headTime, context)
      }
      return context.read()
    }
    guard let head = input.readSlice(length: length) else { return }
    input.discardReadBytes()
    timer?.cancel()
    do throws(RelayFault) { answer(try RelayRequest(head.readableBytesView), context) } catch { write(error.answer, nil, context) }
  }

  /// With the empty line.
  private static func headLength(_ bytes: ByteBufferView) -> Int? {
    var lineIsEmpty = true
    for (index, byte) in bytes.enumerated() {
      if byte == 10 {
        if lineIsEmpty, index > 0 { return index + 1 }
        lineIsEmpty = true
      } else if byte != 13 {
        lineIsEmpty = false
      }
    }
    return nil
  }

  private func answer(_ request: RelayRequest, _ context: ChannelHandlerContext) {
    switch desk.find(request.token, for: client) {
    case .unknown:
      logger.info("relay request refused", metadata: ["client": "\(client)", "why": "unknown URL"])
      write(.refusal(404), nil, context)
    case .gone: write(.refusal(410), nil, context)
    case .found(let publication):
      let answer = request.answer(for: publication.description)
      logger.debug("relay request", metadata: ["client": "\(client)", "method": "\(request.method.prefix(16))", "status": "\(answer.status)"])
      write(answer, publication, context)
    }
  }

  private func write(_ answer: RelayAnswer, _ publication: Publication?, _ context: ChannelHandlerContext) {
    guard let publication, let plan = RelayTransfer.Plan(answer.body) else {
      send(head: answer, context)
      return finish(keepsAlive: answer.keepsAlive, context)
    }
    guard let transfer = RelayTransfer(id, publication, plan, keepsAlive: answer.keepsAlive, channel: context.channel, wake: wake(context)) else {
      logger.error("staged content not readable", metadata: ["path": "\(publication.content.path)", "error": "\(String(cString: strerror(errno)))"])
      return write(.refusal(410), nil, context)
    }
    self.transfer = transfer
    roster.setWaiting(id, false)
    arm(publication.deadline, context)
    context.write(wrapOutboundOut(.byteBuffer(context.channel.allocator.buffer(string: answer.head))), promise: nil)
    pump(context)
  }

  private func send(head answer: RelayAnswer, _ context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(.byteBuffer(context.channel.allocator.buffer(string: answer.head))), promise: nil)
  }

  private func finish(keepsAlive: Bool, _ context: ChannelHandlerContext) {
    if keepsAlive { return awaitRequest(context) }
    // What the client still sends is not read, and a close on it would take the answer back: so first only our side is closed.
    input.clear()
    isClosing = true
    arm(.seconds(2), context)
    context.close(mode: .output, promise: nil)
    context.read()
  }

  // MARK: Bytes

  private func wake(_ context: ChannelHandlerContext) -> Publication.Wake {
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    let loop = context.eventLoop
    return { news in
      loop.execute {
        let (connection, context) = bound.value
        connection.take(news, context)
      }
    }
  }

  private func take(_ news: Publication.News, _ context: ChannelHandlerContext) {
    guard transfer != nil else { return }
    switch news {
    case .more: pump(context)
    case .failed(let why):
      logger.info("relay transfer ended early", metadata: ["client": "\(client)", "why": "\(why)"])
      context.close(promise: nil)
    case .withdrawn: context.close(promise: nil)
    }
  }

  private func pump(_ context: ChannelHandlerContext) {
    guard let transfer, !transfer.isSending else { return }
    switch transfer.next() {
    case .send(let parts, let range):
      for part in parts.dropLast() { context.write(wrapOutboundOut(part), promise: nil) }
      guard let last = parts.last else { return }
      transfer.isSending = true
      let written = context.eventLoop.makePromise(of: Void.self)
      context.writeAndFlush(wrapOutboundOut(last), promise: written)
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      written.futureResult.whenComplete { result in
        let (connection, context) = bound.value
        connection.written(range, result, context)
      }
    case .wait:
      context.flush()
      if transfer.waitForMore() { desk.follow(transfer.publication) }
    case .end(let rest):
      for part in rest { context.write(wrapOutboundOut(part), promise: nil) }
      context.flush()
      end(context)
      finish(keepsAlive: transfer.keepsAlive, context)
    case .broken:
      logger.info("relay transfer ended early", metadata: ["client": "\(client)", "why": "the content began anew"])
      context.close(promise: nil)
    }
  }

  private func written(_ range: Range<UInt64>, _ result: Result<Void, any Error>, _ context: ChannelHandlerContext) {
    guard let transfer else { return }
    transfer.isSending = false
    // How much of it left before a connection broke is not known; a player asks again for what it has not got.
    if let event = transfer.publication.count(range, requestEnded: false) { desk.tell(event) }
    guard case .success = result else { return }
    // By way of the event loop, so that one fast reader does not keep it.
    wake(context)(.more)
  }

  private func end(_ context: ChannelHandlerContext) {
    guard let transfer else { return }
    self.transfer = nil
    transfer.close()
    if let event = transfer.publication.count(0..<0, requestEnded: true) { desk.tell(event) }
  }

  // MARK: Time

  private func arm(_ time: TimeAmount, _ context: ChannelHandlerContext) { arm(.now() + time, context) }

  private func arm(_ deadline: NIODeadline, _ context: ChannelHandlerContext) {
    timer?.cancel()
    timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { context.close(promise: nil) }
  }
}
