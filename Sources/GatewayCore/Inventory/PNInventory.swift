package import CPNSModel
import Synchronization

/// The PN Inventory of this gateway (AD 5.6.9), the authority on what its own devices are and do.
///
/// Every change raises the revision by one and goes to disk in one transaction with the message that tells the server.
///
///     put ─┐
///     put ─┼─▶ waiting ──one at a time decides on what is on disk──▶ commit (one flush) ──▶ all return
///     put ─┘
///
/// What is read here is on disk. While one commit is under way the next changes gather, and are decided on when it has ended: so a
/// commit that fails undoes nothing but itself, and the messages stand in the outbox in the order of their revisions.
package actor PNInventory {
  package struct Change: Sendable {
    package var entry: InventoryEntry
    package var before: InventoryEntry?
    /// It was taken out: `entry` is what it was, offline.
    package var isRemoval = false
  }

  /// Changes that may wait for the disk. Above it: `.unavailable`.
  static let maximumWaiting = 1_024
  /// Messages about the inventory that may wait for the server. Above it a change leaves a gap instead, and the whole inventory is sent
  /// when the outbox is empty: an outage of weeks, with a television that comes and goes each minute, must not fill the disk.
  static let maximumUntold = 512

  private struct Waiter {
    let decide: @Sendable (inout InventoryDraft) -> Void
    let turn: CheckedContinuation<Turn, Never>
  }
  private enum Turn {
    case written, failed(StoreError)
    /// The one before has ended: write, for all who wait.
    case write
  }

  package private(set) var network: PersonalNetworkState
  private var entries: [EntityID: InventoryEntry]
  private let store: any GatewayStore
  private let outbox: OutboxSignal
  private let journal: Journal
  private let health: HealthBoard
  private let clock: WallClock
  private var waiting: [Waiter] = []
  private var isWriting = false
  private var room = PNInventory.maximumUntold
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

  package var all: [InventoryEntry] { draft.sorted }
  package func entry(_ id: EntityID) -> InventoryEntry? { entries[id] }
  package nonisolated func observe() -> AsyncStream<Change> { changes.subscribe() }

  // MARK: Changing

  /// Puts a device in, or what changed of it. Does nothing when nothing but `since` would change, or when there is no room.
  /// - Returns: the revision that has it.
  @discardableResult
  package func put(_ new: InventoryEntry) async throws(StoreError) -> UInt64 {
    if case .at(let revision) = try await place(new) { return revision }
    return network.revision
  }

  /// As ``put(_:)``, for whoever has to know whether there was room.
  func place(_ new: InventoryEntry) async throws(StoreError) -> InventoryDraft.Placing {
    let placing = try await change { $0.put(new) }
    switch placing {
    case .at: break
    case .full:
      health.raise(HealthWarning(
        .devicesFull, .warning, cause: "\(Limits.devices) devices are in the inventory; \(new.name) was left out",
        nextStep: "remove devices that are gone with pngwctl pne remove"))
    case .unfit(let why): journal.tell(.refused, "a device was left out of the inventory: \(why)", ["entity": new.id.urn, "why": why])
    }
    return placing
  }

  /// Changes one device, if it is there.
  package func update(_ id: EntityID, _ body: @escaping @Sendable (inout InventoryEntry) -> Void) async throws(StoreError) {
    try await change { draft in
      guard var entry = draft.entries[id] else { return }
      body(&entry)
      _ = draft.put(entry)
    }
  }

  package func setAvailability(_ id: EntityID, _ availability: Availability, reason: String) async throws(StoreError) {
    let now = clock.now()
    try await update(id) { entry in
      entry.availability = availability
      entry.reason = reason
      entry.since = now
    }
  }

  /// - Parameter with: done in the same transaction, whether the device is in the inventory or not.
  package func remove(_ id: EntityID, with operations: [StoreOperation] = []) async throws(StoreError) {
    try await change { $0.remove(id, with: operations) }
    if entries.count < Limits.devices { health.clear(.devicesFull) }
  }

  // MARK: Telling the server

  /// Enrolled: the server has named the PN, and knows nothing of what is in it yet.
  package func enrol(pn: PNID, server: String, serverID: EntityID) async throws(StoreError) {
    try await change { $0.enrol(pn: pn, server: server, serverID: serverID) }
  }

  /// The whole inventory, at revisions above both ours and the server's.
  /// - Parameter bytes: of entries in one message.
  func snapshot(above theirs: UInt64, upTo bytes: Int = InventoryMessage.entryBytes) async throws(StoreError) -> [InventoryMessage] {
    try await change { $0.snapshot(above: theirs, upTo: bytes) }
  }

  /// Puts a change of nothing into the outbox: its answer tells whether the server has what we have.
  func check() async throws(StoreError) { try await change { $0.check() } }

  /// The server has all that was in the outbox.
  func toldAll() { room = Self.maximumUntold }

  // MARK: One commit at a time

  private var draft: InventoryDraft { InventoryDraft(network: network, entries: entries, room: room, now: clock.now()) }

  /// Returns when what `decide` made of the inventory is on disk.
  private func change<T: Sendable>(_ decide: @escaping @Sendable (inout InventoryDraft) -> T) async throws(StoreError) -> T {
    let decided = Mutex<T?>(nil)
    let mine: @Sendable (inout InventoryDraft) -> Void = { draft in
      let value = decide(&draft)
      decided.withLock { $0 = value }
    }
    switch try await turn(mine) {
    case .written: break
    case .failed(let error): throw error
    case .write: try await write(mine)
    }
    guard let value = decided.withLock({ $0 }) else { throw .unavailable("the change was not decided on") }
    return value
  }

  private func turn(_ decide: @escaping @Sendable (inout InventoryDraft) -> Void) async throws(StoreError) -> Turn {
    guard isWriting else {
      isWriting = true
      return .write
    }
    guard waiting.count < Self.maximumWaiting else { throw .unavailable("\(Self.maximumWaiting) changes wait for the disk already") }
    return await withCheckedContinuation { waiting.append(Waiter(decide: decide, turn: $0)) }
  }

  /// Writes `mine` and what waits with it; whoever came meanwhile writes next.
  private func write(_ mine: @Sendable (inout InventoryDraft) -> Void) async throws(StoreError) {
    var draft = draft
    mine(&draft)
    let batch = waiting
    waiting = []
    for waiter in batch { waiter.decide(&draft) }
    let failure = await commit(draft)
    for waiter in batch { waiter.turn.resume(returning: failure.map { .failed($0) } ?? .written) }
    if waiting.isEmpty { isWriting = false } else { waiting.removeFirst().turn.resume(returning: .write) }
    if let failure { throw failure }
  }

  private func commit(_ draft: InventoryDraft) async -> StoreError? {
    let operations = draft.commit
    guard !operations.isEmpty else { return nil }
    do { try await store.commit(operations) } catch {
      health.raise(HealthWarning(.storeUnavailable, .error, cause: "\(error)", nextStep: "see that the state directory's disk has room and is healthy"))
      return error
    }
    network = draft.network
    entries = draft.entries
    room = draft.room
    health.clear(.storeUnavailable)
    outbox.wake()
    for change in draft.changes { announce(change) }
    return nil
  }

  private func announce(_ change: Change) {
    changes.send(change)
    let entry = change.entry
    guard !change.isRemoval else { return journal.tell(.removed, "\(entry.name) left the Personal Network", ["entity": entry.id.urn]) }
    guard change.before?.availability != entry.availability else { return }
    let fields = ["entity": entry.id.urn, "name": entry.name, "reason": entry.reason]
    switch entry.availability {
    case .online: journal.tell(.online, change.before == nil ? "\(entry.name) joined the Personal Network" : "\(entry.name) is back", fields)
    case .offline: journal.tell(.offline, "\(entry.name) went offline (\(entry.reason))", fields)
    case .busy: break
    }
  }
}
