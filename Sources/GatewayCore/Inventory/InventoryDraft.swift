import CPNSMessages
import CPNSModel

/// What the next commit makes of the inventory: decided on, and not on disk yet.
struct InventoryDraft: Sendable {
  enum Placing: Sendable, Equatable {
    /// The revision that has it.
    case at(UInt64)
    /// ``Limits/devices`` are in already.
    case full
    /// The server would not take it, and with it the whole inventory.
    case unfit(String)
  }

  private(set) var network: PersonalNetworkState
  private(set) var entries: [EntityID: InventoryEntry]
  private var operations: [StoreOperation] = []
  private(set) var changes: [PNInventory.Change] = []
  /// Messages about the inventory that may still go into the outbox before it has to be emptied.
  private(set) var room: Int
  private let before: PersonalNetworkState
  private let now: Timestamp

  init(network: PersonalNetworkState, entries: [EntityID: InventoryEntry], room: Int, now: Timestamp) {
    self.network = network
    self.before = network
    self.entries = entries
    self.room = room
    self.now = now
  }

  /// What has to be written; nothing when nothing changed.
  var commit: [StoreOperation] { network == before ? operations : operations + [.setPN(network)] }
  var sorted: [InventoryEntry] { entries.values.sorted { ($0.name, $0.id.urn) < ($1.name, $1.id.urn) } }

  /// Does nothing when nothing but `since` would change.
  mutating func put(_ new: InventoryEntry) -> Placing {
    let before = entries[new.id]
    var entry = new
    if let before {
      if before.availability == entry.availability, before.reason == entry.reason { entry.since = before.since }
      if before == entry { return .at(network.revision) }
    } else if entries.count >= Limits.devices {
      return .full
    }
    let message = Cpns_V1_InventoryEntry(entry)
    do { _ = try InventoryEntry(checking: message) } catch { return .unfit(error.description) }
    entries[entry.id] = entry
    changes.append(PNInventory.Change(entry: entry, before: before))
    tell(.change([message], in: network.id, base: network.revision), with: [.putEntry(entry)])
    return .at(network.revision)
  }

  /// - Parameter with: what goes with it, and happens even when it was not in.
  mutating func remove(_ id: EntityID, with more: [StoreOperation]) {
    guard let entry = entries.removeValue(forKey: id) else { return operations.append(contentsOf: more) }
    var gone = entry
    gone.availability = .offline
    gone.reason = "removed"
    changes.append(PNInventory.Change(entry: gone, before: entry, isRemoval: true))
    tell(.change([Cpns_V1_InventoryEntry(removing: id)], in: network.id, base: network.revision), with: [.removeEntry(id)] + more)
  }

  /// A change of nothing: its answer tells whether the server has what we have.
  mutating func check() {
    guard network.serverID != nil else { return }
    tell(.change([], in: network.id, base: network.revision), with: [])
  }

  mutating func enrol(pn: PNID, server: String, serverID: EntityID) {
    network.id = pn
    network.server = server
    network.serverID = serverID
    for message in whole(above: network.revision, upTo: InventoryMessage.entryBytes) { enqueue(message) }
  }

  mutating func snapshot(above theirs: UInt64, upTo bytes: Int) -> [InventoryMessage] {
    whole(above: max(network.revision, theirs), upTo: bytes)
  }

  // MARK: Inside

  private mutating func whole(above revision: UInt64, upTo bytes: Int) -> [InventoryMessage] {
    let messages = InventoryMessage.whole(sorted.map(Cpns_V1_InventoryEntry.init), of: network, from: revision + 1, upTo: bytes)
    network.revision = messages.last?.revision ?? revision
    return messages
  }

  private mutating func tell(_ message: InventoryMessage, with more: [StoreOperation]) {
    network.revision = message.revision
    operations += more
    // Before enrolment there is nobody to tell; enrolment itself tells everything. Without room the gap tells.
    guard network.serverID != nil, room > 0 else { return }
    room -= 1
    enqueue(message)
  }

  private mutating func enqueue(_ message: InventoryMessage) {
    operations.append(.enqueue(OutboxDraft(kind: message.kind.rawValue, body: message.body, idempotency: .random(), made: now)))
  }
}
