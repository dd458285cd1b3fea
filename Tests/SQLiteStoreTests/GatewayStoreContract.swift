import CPNSModel
import Foundation
import GatewayCore
import Testing

/// What every ``GatewayStore`` keeps, whatever it is made of.
struct GatewayStoreContract: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// Opens the store anew: what was committed before is there. The one opened before is closed by then.
  let withStore: @Sendable (_ now: Timestamp, _ body: (any GatewayStore) async throws -> Void) async throws -> Void

  func holdsWhatWasCommitted() async throws {
    let entry = Sample.entry(), pairing = Sample.pairing(), pn = Sample.network()
    let live = Sample.delivery(.fetching)
    let gateway = Holder()
    try await withStore(Sample.now) { (store: any GatewayStore) async throws in
      let first = try await store.load()
      #expect(first.pn == nil && first.entries.isEmpty && first.pairings.isEmpty && first.deliveries.isEmpty)
      gateway.id = first.gateway
      try await store.commit([.setPN(pn), .putEntry(entry), .putPairing(pairing), .putDelivery(live)])
    }
    try await withStore(Sample.now) { (store: any GatewayStore) async throws in
      #expect(try await store.load() == GatewayState(gateway: #require(gateway.id), pn: pn, entries: [entry], pairings: [pairing], deliveries: [live]))
      try await store.commit([.removeEntry(entry.id), .removePairing(pairing.element)])
    }
    try await withStore(Sample.now) { (store: any GatewayStore) async throws in
      let state = try await store.load()
      #expect(state.entries.isEmpty && state.pairings.isEmpty && state.gateway == gateway.id)
    }
  }

  func putsReplace() async throws {
    try await withStore(Sample.now) { (store: any GatewayStore) async throws in
      var entry = Sample.entry(), pn = Sample.network(), pairing = Sample.pairing(), delivery = Sample.delivery(.accepted)
      try await store.commit([.putEntry(entry), .setPN(pn), .putPairing(pairing), .putDelivery(delivery)])
      entry.name = "Bedroom TV"
      pn.revision = .init(Int64.max)
      pairing.generation = .max
      delivery.attempts = 3
      delivery.state = .playing
      delivery.order.content.size = 12
      try await store.commit([.putEntry(entry), .setPN(pn), .putPairing(pairing), .putDelivery(delivery)])
      let state = try await store.load()
      #expect(state.entries == [entry] && state.pn == pn && state.pairings == [pairing] && state.deliveries == [delivery])
    }
  }

  func aDeliveryThatHasEndedStaysSo() async throws {
    try await withStore(Sample.now) { (store: any GatewayStore) async throws in
      var delivery = Sample.delivery(.delivered)
      let ended = delivery
      try await store.commit([.putDelivery(delivery)])
      for state in [DeliveryState.accepted, .fetching, .playing, .failed] {
        delivery.state = state
        delivery.attempts += 1
        try await store.commit([.putDelivery(delivery)])
      }
      #expect(try await store.delivery(delivery.order.id) == ended)
      #expect(try await store.load().deliveries.isEmpty)
      #expect(try await store.delivery(.random()) == nil)
    }
  }

  func endedDeliveriesAreListedWithHowTheyEnded() async throws {
    var deliveries = [Sample.delivery(.delivered), Sample.delivery(.failed), Sample.delivery(.failed)]
    for index in deliveries.indices {
      let outcome = DeliveryOutcome(delivery: deliveries[index].order.id, state: deliveries[index].state, reason: "why \(index)", detail: "so", bytes: 7, sha256: [1, 2])
      deliveries[index].ending = DeliveryEnding(outcome: outcome, at: Timestamp(milliseconds: Sample.now.milliseconds + Int64(index)))
    }
    try await withStore(Sample.now) { [deliveries] (store: any GatewayStore) async throws in
      try await store.commit([.putDelivery(Sample.delivery(.playing))])
      for delivery in deliveries { try await store.commit([.putDelivery(delivery)]) }
    }
    try await withStore(Sample.now) { [deliveries] (store: any GatewayStore) async throws in
      #expect(try await store.endedDeliveries(limit: 10) == deliveries.reversed())
      #expect(try await store.endedDeliveries(limit: 2) == Array(deliveries.reversed().prefix(2)))
      #expect(try await store.endedDeliveries(limit: 0).isEmpty)
      #expect(try await store.delivery(deliveries[1].order.id) == deliveries[1])
    }
  }

  func everySourceIsKept() async throws {
    let sources = [ContentSource.server, .staged, .mediaServer(element: .random(), url: "http://192.0.2.7/1.mp4")]
    try await withStore(Sample.now) { (store: any GatewayStore) async throws in
      for source in sources {
        var delivery = Sample.delivery(.accepted)
        delivery.source = source
        try await store.commit([.putDelivery(delivery)])
        #expect(try await store.delivery(delivery.order.id) == delivery)
      }
    }
  }

  func endedDeliveriesAreForgottenAfterThirtyDays() async throws {
    let early = Sample.delivery(.failed), late = Sample.delivery(.delivered), live = Sample.delivery(.accepted)
    let day: Int64 = 86_400_000
    try await withStore(Sample.now) { (store: any GatewayStore) async throws in try await store.commit([.putDelivery(early), .putDelivery(live)]) }
    try await withStore(Timestamp(milliseconds: Sample.now.milliseconds + 20 * day)) { (store: any GatewayStore) async throws in try await store.commit([.putDelivery(late)]) }
    try await withStore(Timestamp(milliseconds: Sample.now.milliseconds + 31 * day)) { (store: any GatewayStore) async throws in
      #expect(try await store.load().deliveries == [live])
      #expect(try await store.delivery(early.order.id) == nil)
      #expect(try await store.delivery(late.order.id) == late)
    }
  }

  func theOutboxIsInOrderAndItsNumbersAreNeverUsedAgain() async throws {
    let drafts = (0..<5).map { Sample.draft($0) }
    let bytes = { @Sendable (some: ArraySlice<OutboxDraft>) in some.reduce(0) { $0 + UInt64($1.body.count) } }
    try await withStore(Sample.now) { (store: any GatewayStore) async throws in
      #expect(try await store.outboxDepth() == OutboxDepth(messages: 0, oldest: nil))
      try await store.commit(drafts.map(StoreOperation.enqueue))
      let all = try await store.outbox(after: 0, limit: 100)
      #expect(all.map(\.draft) == drafts)
      #expect(zip(all, all.dropFirst()).allSatisfy { $0.sequence + 1 == $1.sequence })
      #expect(try await store.outbox(after: all[1].sequence, limit: 2).map(\.draft) == Array(drafts[2...3]))
      #expect(try await store.outboxDepth() == OutboxDepth(messages: 5, bytes: bytes(drafts[...]), oldest: drafts[0].made))
      try await store.commit([.acknowledge(upTo: all[2].sequence)])
      #expect(try await store.outbox(after: 0, limit: 100).map(\.draft) == Array(drafts[3...]))
      #expect(try await store.outboxDepth() == OutboxDepth(messages: 2, bytes: bytes(drafts[3...]), oldest: drafts[3].made))
      try await store.commit([.acknowledge(upTo: all[4].sequence)])
    }
    try await withStore(Sample.now) { (store: any GatewayStore) async throws in
      try await store.commit([.enqueue(drafts[0])])
      #expect(try await store.outbox(after: 5, limit: 10).map(\.draft) == [drafts[0]])
    }
  }

}

/// Used by one task at a time.
private final class Holder { var id: EntityID? }

enum Sample {
  static let now = Timestamp(milliseconds: 1_790_000_000_000)

  static func entry() -> InventoryEntry {
    let id = EntityID.random()
    return InventoryEntry(
      id: id, name: "Téle\0vision \"1\"", kind: .virtualPNE,
      capabilities: DeviceCapabilities(deviceType: "television", accepts: ["video/mp4"], bearers: ["upnp"], sinkProtocolInfo: ["http-get:*:video/mp4:*"]),
      services: [ServiceDescription(id: .random(), name: "Playback", type: "media-rendering", offeredBy: id)],
      availability: .online, reason: "alive", since: now, attributes: ["udn": "uuid:1"])
  }

  static func pairing() -> Pairing {
    Pairing(element: .random(), name: "Phone", generation: 1, gatewayKey: (0..<32).map { $0 }, paired: now)
  }

  static func network() -> PersonalNetworkState {
    PersonalNetworkState(id: .random(), name: "Home", revision: 3, server: "server:7420", serverID: .random())
  }

  static func delivery(_ state: DeliveryState) -> DeliveryRecord {
    let content = ContentDescription(id: .random(), name: "clip.mp4", mediaType: "video/mp4", size: nil, sha256: nil)
    let source = ContentSource.mediaServer(element: .random(), url: "http://192.0.2.7/1.mp4")
    return DeliveryRecord(
      order: DeliveryOrder(id: .random(), content: content, consumer: .random(), offeredBy: .random()), state: state, source: source,
      accepted: now, attempts: 1)
  }

  static func draft(_ number: Int) -> OutboxDraft {
    OutboxDraft(
      kind: number, body: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number), idempotency: .random(),
      made: Timestamp(milliseconds: now.milliseconds + Int64(number)))
  }
}
