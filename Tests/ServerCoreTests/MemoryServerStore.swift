import CPNSModel
import ServerCore
import Synchronization

/// A store in memory, which passes the contract too.
final class MemoryServerStore: ServerStore {
  private struct Row<Value> {
    var sequence: Int64
    var value: Value
  }
  private struct Placed: Equatable {
    var pn: PNID
    var entry: InventoryEntry
  }
  private struct State {
    var last: Int64 = 0
    var claims: [Row<ClaimRecord>] = []
    var gateways: [Row<GatewayRecord>] = []
    var networks: [Row<NetworkRecord>] = []
    var entries: [Row<Placed>] = []
    var services: [Row<ServiceRecord>] = []
    var contents: [Row<ContentRecord>] = []
    var deliveries: [Row<ServerDelivery>] = []
    var usage: [Row<ReceivedUsage>] = []

    var next: Int64 {
      mutating get {
        last += 1
        return last
      }
    }
    var live: [ServerDelivery] { deliveries.map(\.value).filter { $0.outcome == nil } }
  }

  private let id = EntityID.random()
  private let state = Mutex(State())
  /// While set, nothing can be written.
  private let failing = Mutex(false)

  func fail(_ fails: Bool) { failing.withLock { $0 = fails } }

  func identity() async throws(ServerStoreError) -> EntityID { id }

  func commit(_ operations: [ServerOperation]) async throws(ServerStoreError) {
    if failing.withLock({ $0 }) { throw .unavailable("the disk is full") }
    let unmet: ServerCondition? = state.withLock { state in
      var draft = state
      for operation in operations {
        if case .require(let condition) = operation, !Self.holds(condition, draft) { return condition }
        Self.apply(operation, &draft)
      }
      state = draft
      return nil
    }
    if let unmet { throw .unmet(unmet) }
  }

  private static func holds(_ condition: ServerCondition, _ state: State) -> Bool {
    switch condition {
    case .revision(let pn, let revision): state.networks.contains { $0.value.id == pn && $0.value.revision == revision }
    case .devices(let pn, let most): state.entries.count { $0.value.pn == pn } <= most
    case .claimUnspent(let hash): state.claims.contains { $0.value.hash == hash && $0.value.spent == nil }
    case .unspentClaims(let limit): state.claims.count { $0.value.spent == nil } < limit
    case .gateway(let id, let key, let pn): state.gateways.first { $0.value.id == id }.map { $0.value.key == key && $0.value.pn == pn } ?? true
    case .contentExists(let id): state.contents.contains { $0.value.description.id == id }
    case .contentUnused(let id): !state.live.contains { $0.order.content.id == id }
    case .contents(let limit): state.contents.count < limit
    case .services(let limit): state.services.count { $0.value.pn == nil } < limit
    case .liveDeliveries(let limit): state.live.count < limit
    case .liveDeliveriesOf(let pn, let limit): state.live.count { $0.pn == pn } < limit
    }
  }

  private static func put<Value>(_ value: Value, in rows: WritableKeyPath<State, [Row<Value>]>, _ state: inout State, where isSame: (Value) -> Bool) {
    if let index = state[keyPath: rows].firstIndex(where: { isSame($0.value) }) { state[keyPath: rows][index].value = value } else {
      let sequence = state.next
      state[keyPath: rows].append(Row(sequence: sequence, value: value))
    }
  }

  private static func apply(_ operation: ServerOperation, _ state: inout State) {
    switch operation {
    case .require: return
    case .putClaim(let claim): put(claim, in: \.claims, &state) { $0.hash == claim.hash }
    case .spendClaim(let hash, let spending):
      for index in state.claims.indices where state.claims[index].value.hash == hash { state.claims[index].value.spent = spending }
    case .putGateway(let gateway): put(gateway, in: \.gateways, &state) { $0.id == gateway.id }
    case .putNetwork(let network): put(network, in: \.networks, &state) { $0.id == network.id }
    case .putEntry(let entry, let pn):
      put(Placed(pn: pn, entry: entry), in: \.entries, &state) { $0.pn == pn && $0.entry.id == entry.id }
      state.services.removeAll { $0.value.pn == pn && $0.value.description.offeredBy == entry.id }
      for service in entry.services {
        let sequence = state.next
        state.services.append(Row(sequence: sequence, value: ServiceRecord(description: service, pn: pn)))
      }
    case .removeEntry(let id, let pn):
      state.entries.removeAll { $0.value.pn == pn && $0.value.entry.id == id }
      state.services.removeAll { $0.value.pn == pn && $0.value.description.offeredBy == id }
    case .keepEntries(let kept, let pn):
      for placed in state.entries.map(\.value) where placed.pn == pn && !kept.contains(placed.entry.id) { apply(.removeEntry(placed.entry.id, pn), &state) }
    case .putService(let service): put(service, in: \.services, &state) { _ in false }
    case .removeService(let id): state.services.removeAll { $0.value.pn == nil && $0.value.description.id == id }
    case .putContent(let content): put(content, in: \.contents, &state) { _ in false }
    case .removeContent(let id): state.contents.removeAll { $0.value.description.id == id }
    case .putDelivery(let delivery): put(delivery, in: \.deliveries, &state) { _ in false }
    case .answered(let id): change(id, &state) { $0.isAnswered = true }
    case .end(let outcome, let at):
      change(outcome.delivery, &state) { delivery in
        delivery.outcome = outcome
        delivery.ended = at
      }
    case .putUsage(let usage, let gateway, let pn, let received):
      guard !state.usage.contains(where: { $0.value.usage.id == usage.id }) else { return }
      let sequence = state.next
      state.usage.append(Row(
        sequence: sequence, value: ReceivedUsage(sequence: sequence, usage: usage, gateway: gateway, pn: pn, received: received)))
    case .forget(let ended, let made):
      state.deliveries.removeAll { $0.value.ended.map { $0 < ended } ?? false }
      state.claims.removeAll { $0.value.made < made }
    }
  }

  private static func change(_ id: DeliveryID, _ state: inout State, _ body: (inout ServerDelivery) -> Void) {
    for index in state.deliveries.indices where state.deliveries[index].value.order.id == id && state.deliveries[index].value.outcome == nil {
      body(&state.deliveries[index].value)
    }
  }

  // MARK: Reading

  private func rows<Value: Sendable>(_ path: @Sendable (State) -> [Row<Value>]) -> [Row<Value>] { state.withLock { path($0) } }

  private func page<Value, Shown>(_ rows: [Row<Value>], _ page: ListPage, newestFirst: Bool = false, _ show: (Value) -> Shown) -> Listed<Shown> {
    let ordered = newestFirst ? rows.reversed() : rows
    let rest = ordered.filter { row in page.after.map { newestFirst ? row.sequence < $0 : row.sequence > $0 } ?? true }
    let part = rest.prefix(page.limit)
    return Listed(items: part.map { show($0.value) }, next: rest.count > part.count ? part.last?.sequence : nil)
  }

  func claim(_ hash: [UInt8]) async throws(ServerStoreError) -> ClaimRecord? { rows { $0.claims }.first { $0.value.hash == hash }?.value }
  func claims(_ page: ListPage) async throws(ServerStoreError) -> Listed<ClaimRecord> { self.page(rows { $0.claims }, page, newestFirst: true) { $0 } }
  func gateway(_ id: EntityID) async throws(ServerStoreError) -> GatewayRecord? { rows { $0.gateways }.first { $0.value.id == id }?.value }
  func gateways(_ page: ListPage) async throws(ServerStoreError) -> Listed<GatewayRecord> { self.page(rows { $0.gateways }, page) { $0 } }
  func network(_ id: PNID) async throws(ServerStoreError) -> NetworkRecord? { rows { $0.networks }.first { $0.value.id == id }?.value }
  func networks(_ page: ListPage) async throws(ServerStoreError) -> Listed<NetworkRecord> { self.page(rows { $0.networks }, page) { $0 } }
  func entries(of pn: PNID) async throws(ServerStoreError) -> [InventoryEntry] {
    rows { $0.entries }.filter { $0.value.pn == pn }.map(\.value.entry)
  }
  func entries(_ page: ListPage) async throws(ServerStoreError) -> Listed<LocatedEntry> {
    let gateways = Dictionary(uniqueKeysWithValues: rows { $0.networks }.map { ($0.value.id, $0.value.gateway) })
    return self.page(rows { $0.entries }.filter { gateways[$0.value.pn] != nil }, page) {
      LocatedEntry(pn: $0.pn, gateway: gateways[$0.pn] ?? .random(), entry: $0.entry)
    }
  }
  func places(of entity: EntityID) async throws(ServerStoreError) -> [LocatedEntry] {
    try await entries(ListPage(limit: .max)).items.filter { $0.entry.id == entity }.reversed().prefix(16).map { $0 }
  }
  func service(_ id: ServiceID) async throws(ServerStoreError) -> ServiceRecord? {
    let found = rows { $0.services }.map(\.value).filter { $0.description.id == id }
    return found.first { $0.pn == nil } ?? found.last
  }
  func services(with words: [String], _ page: ListPage) async throws(ServerStoreError) -> Listed<ServiceRecord> {
    let found = rows { $0.services }.filter { row in
      let service = row.value.description
      let search = ([service.name, service.type] + service.keywords).joined(separator: "\n").lowercased()
      return words.allSatisfy { search.contains($0) }
    }
    return self.page(found, page) { $0 }
  }
  func content(_ id: ContentID) async throws(ServerStoreError) -> ContentRecord? { rows { $0.contents }.first { $0.value.description.id == id }?.value }
  func contents(_ page: ListPage) async throws(ServerStoreError) -> Listed<ContentRecord> { self.page(rows { $0.contents }, page) { $0 } }
  func delivery(_ id: DeliveryID) async throws(ServerStoreError) -> ServerDelivery? { rows { $0.deliveries }.first { $0.value.order.id == id }?.value }
  func deliveries(_ page: ListPage) async throws(ServerStoreError) -> Listed<ServerDelivery> {
    self.page(rows { $0.deliveries }, page, newestFirst: true) { $0 }
  }
  func unanswered(of pn: PNID, _ page: ListPage) async throws(ServerStoreError) -> Listed<ServerDelivery> {
    self.page(rows { $0.deliveries }.filter { $0.value.pn == pn && !$0.value.isAnswered && $0.value.outcome == nil }, page) { $0 }
  }
  func overdue(unansweredSince: Timestamp, answeredSince: Timestamp, limit: Int) async throws(ServerStoreError) -> [ServerDelivery] {
    let live = state.withLock { $0.live }
    return Array(live.filter { $0.made < answeredSince || ($0.made < unansweredSince && !$0.isAnswered) }.sorted { $0.made < $1.made }.prefix(limit))
  }
  func usage(_ page: ListPage) async throws(ServerStoreError) -> Listed<ReceivedUsage> { self.page(rows { $0.usage }, page) { $0 } }
  func sequence(of usage: UsageID) async throws(ServerStoreError) -> Int64? { rows { $0.usage }.first { $0.value.usage.id == usage }?.sequence }
  func counts() async throws(ServerStoreError) -> ServerCounts {
    let all = rows { $0.deliveries }.map(\.value)
    var counts = ServerCounts()
    counts.live = all.count { $0.outcome == nil }
    counts.delivered = all.count { $0.outcome?.state == .delivered }
    counts.failed = all.count { $0.outcome?.state == .failed }
    counts.usageRecords = rows { $0.usage }.count
    return counts
  }
}
