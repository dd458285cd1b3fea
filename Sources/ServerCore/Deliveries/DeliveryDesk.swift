import CPNSMessages
import CPNSModel
import CPNSSession
import Logging
import Synchronization

/// Deliveries from the server to PNEs (AD 5.6.7): made by applications, carried by gateways, ended once.
final class DeliveryDesk: Sendable {
  /// How far a live delivery is, as its gateway last said. In memory only: what is lost of it, the end makes good.
  struct Progress: Sendable {
    var state: DeliveryState
    var bytes: UInt64
  }

  private let store: any ServerStore
  private let links: GatewayLinks
  private let clock: WallClock
  private let logger: Logger
  private let progress = Mutex<[DeliveryID: Progress]>([:])

  init(store: any ServerStore, links: GatewayLinks, clock: WallClock, logger: Logger) {
    self.store = store
    self.links = links
    self.clock = clock
    self.logger = logger
  }

  // MARK: Making

  func make(_ content: ContentRecord, for place: LocatedEntry, offeredBy server: EntityID) async throws(ServerStoreError) -> ServerDelivery {
    let order = DeliveryOrder(id: .random(), content: content.description, consumer: place.entry.id, offeredBy: server)
    let delivery = ServerDelivery(order: order, pn: place.pn, made: clock.now())
    try await store.commit([
      .require(.contentExists(content.description.id)), .require(.liveDeliveries(below: ServerBounds.liveDeliveries)),
      .require(.liveDeliveriesOf(place.pn, below: ServerBounds.liveDeliveriesOfPN)), .putDelivery(delivery),
    ])
    logger.info("delivery made", metadata: ["delivery": "\(order.id)", "consumer": "\(order.consumer)", "pn": "\(place.pn)"])
    links.wake(place.gateway)
    return delivery
  }

  // MARK: What gateways say

  func progress(of id: DeliveryID) -> Progress? { progress.withLock { $0[id] } }

  func progressed(_ message: Cpns_V1_DeliveryProgress, by gateway: GatewayRecord) async {
    // A notification that says nothing we know is as if it had been lost.
    guard let id = DeliveryID(urn: message.deliveryID), let state = try? DeliveryState(checking: message.state), !state.isFinal,
      let delivery = try? await store.delivery(id), delivery.pn == gateway.pn, delivery.outcome == nil
    else { return }
    progress.withLock { progress in
      // No more can be live: what is too many has ended, and is told anew if not.
      if progress.count >= ServerBounds.liveDeliveries { progress.removeAll() }
      progress[id] = Progress(state: state, bytes: message.bytes)
    }
  }

  /// The end, once: a result that was told before changes nothing.
  func conclude(_ outcome: DeliveryOutcome, by gateway: GatewayRecord) async -> Reply {
    do throws(ServerStoreError) {
      guard let delivery = try await store.delivery(outcome.delivery), delivery.pn == gateway.pn else {
        return .status(.notFound, "no such delivery to this PN")
      }
      if delivery.outcome == nil { try await end(outcome) }
      return .status(.ok)
    } catch {
      logger.error("result not written", metadata: ["delivery": "\(outcome.delivery)", "error": "\(error.words)"])
      return .status(.busy, "the server can't write now")
    }
  }

  func answered(_ id: DeliveryID) async throws(ServerStoreError) { try await store.commit([.answered(id)]) }

  func end(_ outcome: DeliveryOutcome) async throws(ServerStoreError) {
    try await store.commit([.end(outcome, at: clock.now())])
    _ = progress.withLock { $0.removeValue(forKey: outcome.delivery) }
    logger.info(
      "delivery ended",
      metadata: ["delivery": "\(outcome.delivery)", "state": "\(outcome.state.rawValue)", "reason": "\(outcome.reason)", "bytes": "\(outcome.bytes)"])
  }
}
