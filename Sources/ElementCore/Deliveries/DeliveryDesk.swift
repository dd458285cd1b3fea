import CPNSMessages
import CPNSModel
import CPNSSession
import Logging

/// The deliveries to this element: what is accepted is on disk first, and so is how it ended.
actor DeliveryDesk {
  /// Deliveries that are not settled. Above it an offer is answered BUSY, and the gateway offers it again.
  static let capacity = 64
  /// Settled ones that are still known, so that an offer that comes again has no second effect.
  static let remembered = 128

  private let element: EntityID
  private let capabilities: DeviceCapabilities
  private let store: any ElementStore
  private let clock: WallClock
  private let logger: Logger
  /// In the order of their acceptance.
  private var deliveries: [ReceivedDelivery]
  private var accepting: Set<DeliveryID> = []
  /// Of which people were told that they come.
  private var told: Set<DeliveryID> = []
  /// A delivery was accepted.
  nonisolated let offers = Wake()
  /// Something is owed.
  nonisolated let debts = Wake()

  init(state: ElementState, capabilities: DeviceCapabilities, store: any ElementStore, clock: WallClock, logger: Logger) {
    self.element = state.element
    self.capabilities = capabilities
    self.deliveries = state.deliveries
    self.store = store
    self.clock = clock
    self.logger = logger
  }

  // MARK: Offers

  func answer(_ order: DeliveryOrder) async -> Reply {
    guard order.consumer == element else { return .status(.notFound, "DeliveryOffer.consumer: that is not me") }
    if let known = deliveries.first(where: { $0.order.id == order.id }) { return await again(known) }
    guard capabilities.takes(order.content.mediaType) else { return Self.refusal("\(order.content.mediaType) is not accepted here") }
    guard deliveries.lazy.filter({ !$0.isSettled }).count < Self.capacity, accepting.insert(order.id).inserted else {
      return .status(.busy, "\(Self.capacity) deliveries are not settled yet")
    }
    defer { accepting.remove(order.id) }
    let delivery = ReceivedDelivery(order: order, accepted: clock.now())
    do { try await store.commit([.putDelivery(delivery)]) } catch { return .status(.busy, "can't be written: \(error.words)") }
    deliveries.append(delivery)
    offers.wake()
    return Self.acceptance
  }

  /// Accepted again, with no second effect. When it has ended, the gateway seems not to know: it is told again.
  private func again(_ known: ReceivedDelivery) async -> Reply {
    if var end = known.end, end.isResultTaken {
      end.isResultTaken = false
      // In memory only: after a restart it would be offered again.
      set(known.order.id, end)
      debts.wake()
    }
    return Self.acceptance
  }

  private static let acceptance: Reply = {
    var answer = Cpns_V1_DeliveryAnswer()
    answer.accepted = true
    return .message(.deliveryAnswer, answer)
  }()

  private static func refusal(_ reason: String) -> Reply {
    var answer = Cpns_V1_DeliveryAnswer()
    answer.reason = reason
    return .message(.deliveryAnswer, answer)
  }

  // MARK: Receiving

  /// What is still to be received, the oldest first.
  var pending: [ReceivedDelivery] { deliveries.filter { $0.end == nil } }

  /// - Returns: true once for each delivery, as long as this process lives.
  func tellsBeginning(of id: DeliveryID) -> Bool { told.insert(id).inserted }

  /// Returns when the end is on disk.
  func conclude(_ outcome: DeliveryOutcome, usage: UsageRecord?) async throws(ElementStoreError) {
    guard var delivery = deliveries.first(where: { $0.order.id == outcome.delivery }), delivery.end == nil else { return }
    delivery.end = ReceivedDelivery.End(outcome: outcome, resultID: .random(), usage: usage)
    try await store.commit([.putDelivery(delivery)])
    set(outcome.delivery, delivery.end)
    told.remove(outcome.delivery)
    debts.wake()
  }

  // MARK: Reports

  /// What the gateway has still to be told, in order.
  var owed: [OwedReport] {
    deliveries.flatMap { delivery -> [OwedReport] in
      guard let end = delivery.end else { return [] }
      return (end.isResultTaken ? [] : [.result(end.resultID, end.outcome)]) + (end.usage.map { [.usage($0)] } ?? [])
    }
  }

  /// The gateway has it, or will never take it.
  func settle(_ report: OwedReport) async {
    guard var delivery = deliveries.first(where: { $0.end.map { Self.owes($0, report) } ?? false }) else { return }
    switch report {
    case .result: delivery.end?.isResultTaken = true
    case .usage: delivery.end?.usage = nil
    }
    set(delivery.order.id, delivery.end)
    let old = forgetOldest()
    do { try await store.commit([.putDelivery(delivery)] + old.map { .forgetDelivery($0) }) } catch {
      // Sent once more after a restart, with the same id: no harm.
      logger.warning("delivery not settled on disk", metadata: ["delivery": "\(delivery.order.id)", "error": "\(error.words)"])
    }
  }

  private static func owes(_ end: ReceivedDelivery.End, _ report: OwedReport) -> Bool {
    switch report {
    case .result(let id, _): end.resultID == id
    case .usage(let usage): end.usage?.id == usage.id
    }
  }

  private func set(_ id: DeliveryID, _ end: ReceivedDelivery.End?) {
    guard let index = deliveries.firstIndex(where: { $0.order.id == id }) else { return }
    deliveries[index].end = end
  }

  private func forgetOldest() -> [DeliveryID] {
    let settled = deliveries.filter(\.isSettled)
    let old = settled.prefix(max(0, settled.count - Self.remembered)).map(\.order.id)
    deliveries.removeAll { old.contains($0.order.id) }
    return old
  }
}
