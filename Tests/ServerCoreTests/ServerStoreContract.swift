import CPNSModel
import ServerCore
import Testing

/// What every ``ServerStore`` keeps, whatever it is made of.
struct ServerStoreContract: Sendable {
  let store: any ServerStore
  let now = Timestamp(milliseconds: 1_790_000_000_000)

  func later(_ days: Int64) -> Timestamp { Timestamp(milliseconds: now.milliseconds + days * 86_400_000) }

  // MARK: Samples

  func gateway(_ pn: PNID = .random()) -> GatewayRecord {
    GatewayRecord(id: .random(), name: "Home \"1\"", pn: pn, key: [1, 2, 3], enrolled: now)
  }
  func network(of gateway: GatewayRecord) -> NetworkRecord {
    NetworkRecord(id: gateway.pn, name: "Mül\0ler", isNamedHere: true, revision: 0, gateway: gateway.id)
  }
  func entry(_ name: String = "TV") -> InventoryEntry {
    let id = EntityID.random()
    return InventoryEntry(
      id: id, name: name, kind: .virtualPNE, capabilities: DeviceCapabilities(deviceType: "television", accepts: ["video/mp4"]),
      services: [ServiceDescription(id: .random(), name: "\(name) plays", type: "media-rendering", keywords: ["Video"], offeredBy: id)],
      availability: .online, reason: "alive", since: now, attributes: ["udn": "uuid:1"])
  }
  func content() -> ContentRecord {
    ContentRecord(
      description: ContentDescription(id: .random(), name: "clip.mp4", mediaType: "video/mp4", size: .init(Int64.max), sha256: (0..<32).map { $0 }), made: now)
  }
  func delivery(_ content: ContentRecord, _ pn: PNID, made: Timestamp? = nil) -> ServerDelivery {
    let order = DeliveryOrder(id: .random(), content: content.description, consumer: .random(), offeredBy: .random())
    return ServerDelivery(order: order, pn: pn, made: made ?? now)
  }
  func usage() -> UsageRecord {
    UsageRecord(
      id: .random(), consumer: .random(), delivery: .random(), content: content().description, serviceType: "media-rendering", started: now, ended: now,
      bytes: .max, outcome: .delivered, capabilities: DeviceCapabilities(deviceType: "television"))
  }

  // MARK: What is kept

  func claimsAreSpentOnce() async throws {
    let claim = ClaimRecord(hash: [9, 9], pnName: "Home", made: now)
    try await store.commit([.require(.unspentClaims(below: 1)), .putClaim(claim)])
    await #expect(throws: ServerStoreError.unmet(.unspentClaims(below: 1))) {
      try await store.commit([.require(.unspentClaims(below: 1)), .putClaim(ClaimRecord(hash: [8], pnName: nil, made: now))])
    }
    #expect(try await store.claim([9, 9]) == claim)
    #expect(try await store.claim([9]) == nil)
    let spending = ClaimSpending(gateway: .random(), idempotency: .random(), answer: [7, 0, 7], at: later(1))
    let spend: [ServerOperation] = [.require(.claimUnspent(hash: [9, 9])), .spendClaim(hash: [9, 9], spending)]
    try await store.commit(spend)
    await #expect(throws: ServerStoreError.unmet(.claimUnspent(hash: [9, 9]))) { try await store.commit(spend) }
    var spent = claim
    spent.spent = spending
    #expect(try await store.claims(ListPage(limit: 10)).items == [spent])
    try await store.commit([.forget(deliveriesEndedBefore: now, claimsMadeBefore: later(1))])
    #expect(try await store.claims(ListPage(limit: 10)).items.isEmpty)
  }

  func aConditionThatDoesNotHoldChangesNothing() async throws {
    let gateway = gateway(), network = network(of: gateway), entry = entry()
    try await store.commit([.require(.gateway(gateway.id, key: [5], pn: .random())), .putGateway(gateway), .putNetwork(network)])
    await #expect(throws: ServerStoreError.unmet(.devices(of: network.id, atMost: 0))) {
      try await store.commit([.putEntry(entry, network.id), .require(.devices(of: network.id, atMost: 0))])
    }
    #expect(try await store.entries(of: network.id).isEmpty)
    await #expect(throws: ServerStoreError.unmet(.revision(network.id, 1))) {
      try await store.commit([.require(.revision(network.id, 1)), .putEntry(entry, network.id)])
    }
    try await store.commit([.require(.gateway(gateway.id, key: gateway.key, pn: gateway.pn))])
    await #expect(throws: ServerStoreError.unmet(.gateway(gateway.id, key: [5], pn: gateway.pn))) {
      try await store.commit([.require(.gateway(gateway.id, key: [5], pn: gateway.pn))])
    }
    #expect(try await store.gateway(gateway.id) == gateway)
    #expect(try await store.network(network.id) == network)
  }

  func entriesAndTheirServicesFollowTheInventory() async throws {
    let gateway = gateway(), network = network(of: gateway)
    var tv = entry("TV")
    let radio = entry("Radio")
    try await store.commit([.putGateway(gateway), .putNetwork(network), .putEntry(tv, network.id), .putEntry(radio, network.id)])
    tv.availability = .offline
    tv.services[0].name = "TV shows"
    try await store.commit([.putEntry(tv, network.id)])
    #expect(try await store.entries(of: network.id) == [tv, radio])
    #expect(try await store.services(with: ["shows", "video"], ListPage(limit: 9)).items == [ServiceRecord(description: tv.services[0], pn: network.id)])
    #expect(try await store.services(with: ["plays"], ListPage(limit: 9)).items.map(\.description) == radio.services)
    #expect(try await store.places(of: tv.id) == [LocatedEntry(pn: network.id, gateway: gateway.id, entry: tv)])
    try await store.commit([.keepEntries([radio.id], network.id)])
    #expect(try await store.entries(ListPage(limit: 9)).items.map(\.entry) == [radio])
    try await store.commit([.removeEntry(radio.id, network.id)])
    #expect(try await store.services(with: [], ListPage(limit: 9)).items.isEmpty)
  }

  func applicationsServicesAreApartFromThoseOfPNEs() async throws {
    let gateway = gateway(), network = network(of: gateway), entry = entry()
    var own = ServiceRecord(description: entry.services[0], pn: nil)
    own.description.name = "Published"
    try await store.commit([.putGateway(gateway), .putNetwork(network), .putService(own), .putEntry(entry, network.id)])
    #expect(try await store.service(own.description.id) == own)
    try await store.commit([.removeService(own.description.id)])
    #expect(try await store.service(own.description.id)?.pn == network.id)
    try await store.commit([.removeService(own.description.id)])
    #expect(try await store.service(own.description.id) != nil)
    try await store.commit([.require(.services(below: 1))])
  }

  func deliveriesEndOnce() async throws {
    let content = content(), pn = PNID.random(), delivery = delivery(content, pn)
    await #expect(throws: ServerStoreError.unmet(.contentExists(content.description.id))) {
      try await store.commit([.require(.contentExists(content.description.id)), .putDelivery(delivery)])
    }
    try await store.commit([.putContent(content), .require(.contentExists(content.description.id)), .putDelivery(delivery)])
    #expect(try await store.unanswered(of: pn, ListPage(limit: 1)).items == [delivery])
    await #expect(throws: ServerStoreError.unmet(.contentUnused(content.description.id))) { try await store.commit([.require(.contentUnused(content.description.id))]) }
    await #expect(throws: ServerStoreError.unmet(.liveDeliveriesOf(pn, below: 1))) { try await store.commit([.require(.liveDeliveriesOf(pn, below: 1))]) }
    try await store.commit([.answered(delivery.order.id)])
    #expect(try await store.unanswered(of: pn, ListPage(limit: 1)).items.isEmpty)
    let outcome = DeliveryOutcome(delivery: delivery.order.id, state: .delivered, bytes: 5, sha256: [1])
    try await store.commit([.end(outcome, at: later(1))])
    try await store.commit([.end(DeliveryOutcome(delivery: delivery.order.id, state: .failed, reason: "late", bytes: 0), at: later(2))])
    let ended = try await store.delivery(delivery.order.id)
    #expect(ended?.outcome == outcome && ended?.ended == later(1))
    try await store.commit([.require(.contentUnused(content.description.id)), .require(.liveDeliveries(below: 1)), .removeContent(content.description.id)])
    #expect(try await store.content(content.description.id) == nil)
    #expect(try await store.counts().delivered == 1)
    try await store.commit([.forget(deliveriesEndedBefore: later(2), claimsMadeBefore: now)])
    #expect(try await store.delivery(delivery.order.id) == nil)
  }

  func overdueDeliveriesAreFound() async throws {
    let content = content(), pn = PNID.random()
    let old = delivery(content, pn), answered = delivery(content, pn), fresh = delivery(content, pn, made: later(9))
    try await store.commit([.putContent(content), .putDelivery(fresh), .putDelivery(old), .putDelivery(answered), .answered(answered.order.id)])
    #expect(try await store.overdue(unansweredSince: later(5), answeredSince: now, limit: 9) == [old])
    #expect(try await store.overdue(unansweredSince: later(5), answeredSince: later(5), limit: 9).count == 2)
  }

  func usageCountsOnce() async throws {
    let usage = [usage(), usage(), usage()], gateway = EntityID.random(), pn = PNID.random()
    for record in usage + usage.reversed() { try await store.commit([.putUsage(record, gateway: gateway, pn: pn, received: now)]) }
    let first = try await store.usage(ListPage(limit: 2))
    #expect(first.items.map(\.usage) == Array(usage[..<2]) && first.next != nil)
    let second = try await store.usage(ListPage(after: first.next, limit: 2))
    #expect(second.items.map(\.usage) == [usage[2]] && second.next == nil)
    #expect(try await store.sequence(of: usage[1].id) == first.next)
    #expect(try await store.sequence(of: .random()) == nil)
    #expect(try await store.counts().usageRecords == 3)
  }

  func listsComeInPages() async throws {
    let content = content(), pn = PNID.random()
    let all = (0..<5).map { _ in delivery(content, pn) }
    try await store.commit([.putContent(content)] + all.map(ServerOperation.putDelivery))
    var got: [ServerDelivery] = []
    var page = ListPage(limit: 2)
    while true {
      let part = try await store.deliveries(page)
      got += part.items
      guard let next = part.next else { break }
      page.after = next
    }
    #expect(got == all.reversed())
    #expect(try await store.unanswered(of: pn, ListPage(limit: 5)).next == nil)
  }
}
