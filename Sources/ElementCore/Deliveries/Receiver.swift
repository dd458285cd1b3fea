import CPNSModel
import CPNSProcedures
import CPNSSession
import Logging

/// Receives what was accepted over one link, one content after the other.
///
/// A delivery that can't go on now makes place for the next one: at the gateway it may be waiting for that one to end.
struct Receiver: Sendable {
  /// Pace of rounds that bring nothing: the holder waits for something.
  private static let firstWait = Duration.seconds(1)
  private static let longestWait = Duration.seconds(30)

  let desk: DeliveryDesk
  let inbox: any ContentInbox
  let capabilities: DeviceCapabilities
  let clock: WallClock
  let timer: any Clock<Duration>
  let tell: @Sendable (ElementEvent) -> Void
  let logger: Logger

  /// Returns when the task is cancelled, as it is when the link is lost.
  func run(over session: Session, _ streams: ContentStreams) async {
    var backoff = ReconnectBackoff(first: Self.firstWait, limit: Self.longestWait)
    while !Task.isCancelled {
      let offers = desk.offers.wakes()
      let pending = await desk.pending
      var hasMoved = false
      for delivery in pending where await receive(delivery.order, over: session, streams) { hasMoved = true }
      if pending.isEmpty {
        for await _ in offers { break }
      } else if hasMoved {
        backoff.reset()
      } else {
        await pause(backoff.next(random: Double.random(in: 0.5..<1)), by: timer) { for await _ in offers { return } }
      }
    }
  }

  /// - Returns: whether it came forward.
  private func receive(_ order: DeliveryOrder, over session: Session, _ streams: ContentStreams) async -> Bool {
    if Task.isCancelled { return false }
    let began = clock.now()
    var bytes: UInt64 = 0
    do throws(ContentIntake.Failure) {
      let incoming = try await open(order)
      bytes = await incoming.available
      let before = bytes
      if await desk.tellsBeginning(of: order.id) { tell(.receiving(name: order.content.name, size: order.content.size)) }
      do throws(ContentIntake.Failure) {
        let content = try await ContentIntake(order: order, incoming: incoming, session: session, streams: streams, logger: logger).run()
        let outcome = DeliveryOutcome(delivery: order.id, state: .delivered, bytes: content.bytes, sha256: content.sha256)
        return await end(order, outcome, began, .received(name: order.content.name, content))
      } catch {
        bytes = await incoming.available
        guard case .interrupted(let why) = error else { throw error }
        logger.info("content interrupted", metadata: ["content": "\(order.content.id)", "at": "\(bytes)", "why": "\(why)"])
        return bytes > before
      }
    } catch {
      guard case .final(let reason, let detail) = error else { return false }
      let outcome = DeliveryOutcome(delivery: order.id, state: .failed, reason: reason, detail: String(detail.prefix(512)), bytes: bytes)
      return await end(order, outcome, began, .notReceived(name: order.content.name, why: "\(reason): \(detail)"))
    }
  }

  private func open(_ order: DeliveryOrder) async throws(ContentIntake.Failure) -> any IncomingContent {
    do { return try await inbox.open(order) } catch { throw ContentIntake.final(error) }
  }

  /// - Returns: false when that is not on disk: the delivery goes on, and ends again.
  private func end(_ order: DeliveryOrder, _ outcome: DeliveryOutcome, _ began: Timestamp, _ event: ElementEvent) async -> Bool {
    let usage = UsageRecord(
      id: .random(), consumer: order.consumer, delivery: order.id, content: order.content, serviceType: ReceptionService.type, started: began,
      ended: clock.now(), bytes: outcome.bytes, outcome: outcome.state, capabilities: capabilities)
    do { try await desk.conclude(outcome, usage: outcome.bytes > 0 ? usage : nil) } catch {
      logger.error("end of a delivery not written", metadata: ["delivery": "\(order.id)", "error": "\(error.words)"])
      return false
    }
    await inbox.discard(order.id)
    tell(event)
    return true
  }
}
