import CPNSMessages
import CPNSModel
import CPNSSession
import Logging

/// Offers a gateway what is to go to its PN, over one link: all that nobody answered for yet, the oldest first, then what is
/// made new.
///
///     round ──all answered──▶ waiting for a wake ──▶ round
///       ├──BUSY and the like──▶ pausing (2 s, doubled to 60 s) ──▶ round
///       └──link lost──▶ the next link begins anew
struct Offers: Sendable {
  private static let batch = 64
  private static let firstPause = Duration.seconds(2)
  private static let longestPause = Duration.seconds(60)
  private static let deadline = Duration.seconds(20)

  private enum Answer {
    case settled
    /// The gateway, or our disk, can't now; `all`: nor the next ones.
    case later(all: Bool)
    case lost
  }

  let gateway: GatewayRecord
  let store: any ServerStore
  let deliveries: DeliveryDesk
  let timer: any Clock<Duration>
  let logger: Logger

  /// Returns when the link is lost or replaced, or the task is cancelled.
  func run(over session: Session, _ wakes: AsyncStream<Void>) async {
    var wakes = wakes.makeAsyncIterator()
    var pause = Self.firstPause
    while !Task.isCancelled {
      switch await round(over: session) {
      case .settled:
        pause = Self.firstPause
        guard await wakes.next() != nil else { return }
      case .later:
        do { try await timer.sleep(for: pause) } catch { return }
        pause = min(pause * 2, Self.longestPause)
      case .lost: return
      }
    }
  }

  /// One that can't be answered now does not hold up the others, unless the gateway is busy as a whole.
  private func round(over session: Session) async -> Answer {
    var page = ListPage(limit: Self.batch)
    var isLeft = false
    while !Task.isCancelled {
      let batch: Listed<ServerDelivery>
      do throws(ServerStoreError) { batch = try await store.unanswered(of: gateway.pn, page) } catch {
        logger.error("deliveries not read", metadata: ["gateway": "\(gateway.id)", "error": "\(error.words)"])
        return .later(all: true)
      }
      for delivery in batch.items {
        switch await offer(delivery.order, over: session) {
        case .settled: continue
        case .later(all: false): isLeft = true
        case .later(all: true): return .later(all: true)
        case .lost: return .lost
        }
      }
      guard let next = batch.next else { return isLeft ? .later(all: false) : .settled }
      page.after = next
    }
    return .lost
  }

  private func offer(_ order: DeliveryOrder, over session: Session) async -> Answer {
    do throws(SessionError) {
      let answer = try await session.request(
        .deliveryOffer, Cpns_V1_DeliveryOffer(order).bytes, pn: gateway.pn, idempotency: IdempotencyID(uuid: order.id.uuid),
        deadline: Self.deadline)
      guard answer.kind == .deliveryAnswer, let reply = try? answer.decoded(as: Cpns_V1_DeliveryAnswer.self) else {
        return await fail(order, "bad-answer", "the gateway answered something else than DeliveryAnswer")
      }
      guard reply.accepted else { return await fail(order, "refused", reply.reason) }
      return await settle { () async throws(ServerStoreError) in try await deliveries.answered(order.id) }
    } catch {
      return await later(order, error)
    }
  }

  private func later(_ order: DeliveryOrder, _ error: SessionError) async -> Answer {
    switch error {
    case .lost, .malformed: return .lost
    case .refused(let code, let detail) where !code.mayRetry: return await fail(order, code.word, detail)
    case .refused, .timedOut, .busy:
      logger.info("offer not taken yet", metadata: ["delivery": "\(order.id)", "gateway": "\(gateway.id)", "why": "\(error.words)"])
      guard case .refused(let code, _) = error else { return .later(all: true) }
      return .later(all: code == .busy)
    }
  }

  private func fail(_ order: DeliveryOrder, _ reason: String, _ detail: String) async -> Answer {
    let outcome = DeliveryOutcome(delivery: order.id, state: .failed, reason: reason, detail: String(detail.prefix(512)), bytes: 0)
    return await settle { () async throws(ServerStoreError) in try await deliveries.end(outcome) }
  }

  private func settle(_ write: () async throws(ServerStoreError) -> Void) async -> Answer {
    do throws(ServerStoreError) {
      try await write()
      return .settled
    } catch {
      logger.error("answer to an offer not written", metadata: ["gateway": "\(gateway.id)", "error": "\(error.words)"])
      return .later(all: true)
    }
  }
}

extension Cpns_V1_Code {
  /// As a delivery's reason.
  var word: String {
    switch self {
    case .notFound: "not-found"
    case .forbidden: "forbidden"
    case .refused: "refused"
    case .tooLarge: "too-large"
    case .conflict: "conflict"
    case .malformed: "malformed"
    case .unsupported: "unsupported"
    default: "not-accepted"
    }
  }
}
