package import CPNSMessages
package import CPNSModel

/// The PN Inventory of this gateway (AD 5.6.9), the authority on what its own devices are and do.
///
/// Every change raises the revision by one and goes to disk in one transaction with the message that tells the server.
/// A commit that fails leaves a gap in the revisions that the server sees; it then asks for a snapshot.
package actor PNInventory {
  package struct Change: Sendable {
    package var entry: InventoryEntry
    package var before: InventoryEntry?
  }

  package private(set) var network: PersonalNetworkState
  private var entries: [EntityID: InventoryEntry]
  private let store: any GatewayStore
  private let outbox: OutboxSignal
  private let journal: Journal
  private let health: HealthBoard
  private let clock: WallClock
  private nonisolated let changes = Broadcast<Change>(capacity: 512)

  init(state: GatewayState, network: PersonalNetworkState, store: any GatewayStore, outbox: OutboxSignal, journal: Journal, health: HealthBoard, clock: WallClock) {
    self.network = network
    self.entries = Dictionary(state.entries.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    self.store = store
    self.outbox = outbox
    self.journal = journal
    self.health = health
    self.clock = clock
  }

  package var all: [InventoryEntry] { entries.values.sorted { ($0.name, $0.id.urn) < ($1.name, $1.id.urn) } }
  package func entry(_ id: EntityID) -> InventoryEntry? { entries[id] }
  package nonisolated func observe() -> AsyncStream<Change> { changes.subscribe() }

  /// Puts a device in, or what changed of it. Does nothing when nothing but `since` would change.
  /// - Returns: the revision that has it.
  @discardableResult
  package func put(_ new: InventoryEntry) async throws(StoreError) -> UInt64 {
    let before = entries[new.id]
    var entry = new
    if let before {
      if before.availability == entry.availability, before.reason == entry.reason { entry.since = before.since }
      if before == entry { return network.revision }
    } else if entries.count >= Limits.devices {
      health.raise(HealthWarning(
        .devicesFull, .warning, cause: "\(Limits.devices) devices are in the inventory; \(entry.name) was left out",
        nextStep: "remove devices that are gone with pngwctl pne remove"))
      return network.revision
    }
    let revision = try await commit(Cpns_V1_InventoryEntry(entry), [.putEntry(entry)]) { $0[entry.id] = entry }
    announce(entry, before: before)
    return revision
  }

  /// Changes one device, if it is there.
  package func update(_ id: EntityID, _ change: @Sendable (inout InventoryEntry) -> Void) async throws(StoreError) {
    guard var entry = entries[id] else { return }
    change(&entry)
    try await put(entry)
  }

  package func setAvailability(_ id: EntityID, _ availability: Availability, reason: String) async throws(StoreError) {
    let now = clock.now()
    try await update(id) { entry in
      entry.availability = availability
      entry.reason = reason
      entry.since = now
    }
  }

  package func remove(_ id: EntityID, with operations: [StoreOperation] = []) async throws(StoreError) {
    guard let entry = entries[id] else { return }
    try await commit(Cpns_V1_InventoryEntry(removing: id), [.removeEntry(id)] + operations) { $0[id] = nil }
    journal.tell(.removed, "\(entry.name) left the Personal Network", ["entity": id.urn])
  }

  /// Enrolled: the server has named the PN, and knows nothing of what is in it yet.
  package func enrol(pn: PNID, server: String, serverID: EntityID) async throws(StoreError) {
    let before = network
    network.id = pn
    network.server = server
    network.serverID = serverID
    network.revision += 1
    let draft = OutboxDraft(
      kind: Cpns_V1_Kind.inventorySnapshot.rawValue, body: whole.bytes, idempotency: .random(), made: clock.now())
    do { try await store.commit([.setPN(network), .enqueue(draft)]) } catch {
      network = before
      throw error
    }
    outbox.wake()
  }

  /// The whole inventory as one message, at a revision above both ours and the server's.
  package func snapshot(above theirs: UInt64) async throws(StoreError) -> Cpns_V1_InventorySnapshot {
    network.revision = max(network.revision, theirs) + 1
    let message = whole
    try await store.commit([.setPN(network)])
    return message
  }

  private var whole: Cpns_V1_InventorySnapshot {
    var message = Cpns_V1_InventorySnapshot()
    message.pnID = network.id.urn
    message.revision = network.revision
    message.name = network.name
    message.entries = all.map(Cpns_V1_InventoryEntry.init)
    return message
  }

  // MARK: Inside

  @discardableResult
  private func commit(
    _ message: Cpns_V1_InventoryEntry, _ operations: [StoreOperation], _ apply: (inout [EntityID: InventoryEntry]) -> Void
  ) async throws(StoreError) -> UInt64 {
    let base = network.revision
    var changes = Cpns_V1_InventoryChanges()
    changes.pnID = network.id.urn
    changes.baseRevision = base
    changes.revision = base + 1
    changes.entries = [message]
    network.revision = base + 1
    let before = entries
    apply(&entries)
    let draft = OutboxDraft(kind: Cpns_V1_Kind.inventoryChanges.rawValue, body: changes.bytes, idempotency: .random(), made: clock.now())
    // Before enrolment there is nobody to tell; enrolment itself tells everything.
    let telling: [StoreOperation] = network.serverID == nil ? [] : [.enqueue(draft)]
    do {
      try await store.commit(operations + [.setPN(network)] + telling)
    } catch {
      if let id = EntityID(urn: message.entityID) { entries[id] = before[id] }
      health.raise(HealthWarning(.storeUnavailable, .error, cause: "\(error)", nextStep: "see that the state directory's disk has room and is healthy"))
      throw error
    }
    health.clear(.storeUnavailable)
    outbox.wake()
    return base + 1
  }

  private func announce(_ entry: InventoryEntry, before: InventoryEntry?) {
    changes.send(Change(entry: entry, before: before))
    guard before?.availability != entry.availability else { return }
    let fields = ["entity": entry.id.urn, "name": entry.name, "reason": entry.reason]
    switch entry.availability {
    case .online: journal.tell(.online, before == nil ? "\(entry.name) joined the Personal Network" : "\(entry.name) is back", fields)
    case .offline: journal.tell(.offline, "\(entry.name) went offline (\(entry.reason))", fields)
    case .busy: break
    }
  }
}
