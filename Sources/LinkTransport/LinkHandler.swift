import CPNSMessages
import CPNSModel
import CPNSSession
import NIOCore
import SwiftProtobuf

/// Bytes ↔ frames ↔ envelopes at the end of a link's pipeline, when to read, and how to end.
///
///     securing ──proved──▶ open ──we close──▶ lingering ──peer's end, 2 s──▶ over
///         │                 │                                                 ▲
///         └── error, end ───┴── error, end of stream, what is not a frame ────┘
final class LinkHandler: ChannelInboundHandler, ChannelOutboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Longest time that a link which we have closed waits for what was sent to leave and for the peer to go.
  static let lingerSeconds: Int64 = 2

  private enum State { case securing, open, lingering, over }

  private let security: LinkSecurity
  private let queue: InboundQueue
  private let secured: EventLoopPromise<LinkPeer.Credential>
  private let canCloseHalf: Bool
  private let greeted: @Sendable () -> Void
  private var state: State
  private var context: ChannelHandlerContext?
  private var decoder = FrameDecoder(limit: Limits.frameBeforeHello)
  private var isGreeted = false
  private var frames = 0
  /// The stream has ended like this; it counts when the frames before it have been taken.
  private var streamEnd: LinkError??
  private var wantsRead = false
  /// There was no room for the next frame, or it has to wait.
  private var isHeld = false
  /// We have ended the link: what still comes is not for anybody.
  private var isDeaf = false
  private var linger: Scheduled<Void>?

  /// - Parameters:
  ///   - isSecure: the link needs no proof.
  ///   - canCloseHalf: the bearer can end one direction (TCP can, an adopted descriptor may not).
  ///   - greeted: called once when the session has taken the peer's Hello.
  init(
    _ security: LinkSecurity, _ queue: InboundQueue, _ secured: EventLoopPromise<LinkPeer.Credential>, isSecure: Bool, canCloseHalf: Bool,
    greeted: @escaping @Sendable () -> Void
  ) {
    self.security = security
    self.queue = queue
    self.secured = secured
    self.canCloseHalf = canCloseHalf
    self.greeted = greeted
    self.state = isSecure ? .open : .securing
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    // A channel that never got a connection goes without a word.
    secured.fail(LinkError.lost("the connection was closed"))
  }

  /// The session knows the peer: longer frames may come.
  func accept(framesUpTo bytes: Int) {
    decoder.limit = bytes
    if !isGreeted { greeted() }
    isGreeted = true
    resume()
  }

  // MARK: Reading only when there is room

  func read(context: ChannelHandlerContext) {
    if state == .open, isHeld { wantsRead = true } else { context.read() }
  }

  /// There is room again.
  func resume() {
    decode()
    guard wantsRead, !isHeld else { return }
    wantsRead = false
    context?.read()
  }

  // MARK: Inbound

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard state == .open, streamEnd == nil else { return }
    unwrapInboundIn(data).withUnsafeReadableBytes { decoder.push($0) }
    decode()
  }

  private func decode() {
    guard !isDeaf, state == .open || streamEnd != nil else { return }
    isHeld = true
    while queue.hasRoom() {
      do {
        guard let frame = try decoder.next() else {
          isHeld = false
          return settle()
        }
        queue.put(try Cpns_V1_Envelope(serializedBytes: frame), bytes: frame.count)
        frames += 1
      } catch let error as FrameError {
        // Without an end of the stream there will be a verdict on the Hello; with one, nobody waits for it.
        if waitsForGreeting(error), streamEnd == nil { return }
        return end(.malformed(Self.words(error)))
      } catch {
        return end(.malformed("a frame is not an Envelope"))
      }
    }
  }

  /// A peer that has our Hello may already send longer frames than we take before we have looked at its own.
  private func waitsForGreeting(_ error: FrameError) -> Bool {
    guard !isGreeted, frames == 1, case .tooLong(let announced, _) = error else { return false }
    return announced <= Limits.frame
  }

  private func settle() {
    guard let streamEnd else { return }
    if let error = streamEnd { return queue.end(.failure(error)) }
    queue.end(decoder.pending > 0 ? .failure(.malformed("the stream ended inside a frame")) : .success(()))
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if state == .securing, let credential = security.credential(event) {
      state = .open
      secured.succeed(credential)
    }
    context.fireUserInboundEventTriggered(event)
  }

  // MARK: The end

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    let meaning = security.meaning(error) ?? .lost("\(error)")
    secured.fail(meaning)
    finishStream(meaning)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    finishStream(nil)
    secured.fail(LinkError.lost("the connection was closed"))
    linger?.cancel()
    context.fireChannelInactive()
  }

  private func finishStream(_ error: LinkError?) {
    if streamEnd == nil { streamEnd = .some(error) }
    state = .over
    decode()
  }

  /// The peer sent what it may not.
  private func end(_ error: LinkError) {
    queue.end(.failure(error))
    secured.fail(error)
    close()
  }

  /// Ends the link after what was sent has left; what still comes is thrown away, so that the kernel does not answer it
  /// with a reset that would destroy what the peer has not read yet.
  func close() {
    guard let context, state == .securing || state == .open else { return }
    let wasOpen = state == .open
    state = .lingering
    isDeaf = true
    queue.end(.success(()))
    secured.fail(LinkError.lost("the link was closed"))
    guard wasOpen else { return context.close(promise: nil) }
    linger = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Self.lingerSeconds)) { context.close(promise: nil) }
    let sent = context.eventLoop.makePromise(of: Void.self)
    context.close(mode: .output, promise: sent)
    sent.futureResult.assumeIsolated().whenComplete { result in
      if case .success = result, self.canCloseHalf { return }
      context.close(promise: nil)
    }
    context.read()
  }

  private static func words(_ error: FrameError) -> String {
    switch error {
    case .tooLong(let announced, let limit): "a frame of \(announced) bytes was announced, \(limit) are taken now"
    case .empty: "an empty frame"
    }
  }
}
