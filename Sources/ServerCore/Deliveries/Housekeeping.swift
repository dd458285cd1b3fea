import CPNSModel
import Logging

/// Ends what nobody will end, and forgets what is old: once an hour.
struct Housekeeping: Sendable {
  private static let interval = Duration.seconds(3_600)
  /// A delivery whose gateway did not come for so long is given up.
  private static let unansweredDays: Int64 = 7
  /// … and one whose gateway said yes and then nothing: a gateway itself gives up after a day.
  private static let answeredDays: Int64 = 30
  private static let batch = 256
  private static let day: Int64 = 86_400_000

  let store: any ServerStore
  let deliveries: DeliveryDesk
  let clock: WallClock
  let timer: any Clock<Duration>
  let logger: Logger

  /// Until cancelled.
  func run() async {
    while !Task.isCancelled {
      do throws(ServerStoreError) {
        try await giveUp()
        try await forget()
      } catch {
        logger.error("housekeeping not done", metadata: ["error": "\(error.words)"])
      }
      do { try await timer.sleep(for: Self.interval) } catch { return }
    }
  }

  private func giveUp() async throws(ServerStoreError) {
    let now = clock.now().milliseconds
    while true {
      let overdue = try await store.overdue(
        unansweredSince: Timestamp(milliseconds: now - Self.unansweredDays * Self.day),
        answeredSince: Timestamp(milliseconds: now - Self.answeredDays * Self.day), limit: Self.batch)
      for delivery in overdue {
        let (reason, detail) = delivery.isAnswered
          ? ("no-result", "the gateway told no end in \(Self.answeredDays) days")
          : ("gateway-offline", "the gateway was not there for \(Self.unansweredDays) days")
        try await deliveries.end(DeliveryOutcome(delivery: delivery.order.id, state: .failed, reason: reason, detail: detail, bytes: 0))
      }
      if overdue.count < Self.batch { return }
    }
  }

  private func forget() async throws(ServerStoreError) {
    let past = Timestamp(milliseconds: clock.now().milliseconds - ServerBounds.rememberedDays * Self.day)
    try await store.commit([.forget(deliveriesEndedBefore: past, claimsMadeBefore: past)])
  }
}
