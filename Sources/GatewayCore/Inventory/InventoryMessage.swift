import CPNSMessages
import CPNSModel

/// A message that tells the server of the inventory (docs/protocol.md, "Inventory sync").
struct InventoryMessage: Sendable, Equatable {
  var kind: Cpns_V1_Kind
  var body: [UInt8]
  /// That the server has when it has taken this.
  var revision: UInt64

  /// Bytes of entries in one message: a frame has room for this, one more entry and the envelope.
  static let entryBytes = Limits.frame / 2

  /// `base` → `base` + 1.
  static func change(_ entries: [Cpns_V1_InventoryEntry], in pn: PNID, base: UInt64) -> InventoryMessage {
    var message = Cpns_V1_InventoryChanges()
    message.pnID = pn.urn
    message.baseRevision = base
    message.revision = base + 1
    message.entries = entries
    return InventoryMessage(kind: .inventoryChanges, body: message.bytes, revision: base + 1)
  }

  /// Everything, from revision `first` on: what does not fit into one snapshot follows as changes, because 256 televisions with all that
  /// they can play are more than a frame.
  static func whole(_ entries: [Cpns_V1_InventoryEntry], of network: PersonalNetworkState, from first: UInt64, upTo bytes: Int) -> [InventoryMessage] {
    let parts = parts(entries, upTo: max(1, min(bytes, entryBytes)))
    var snapshot = Cpns_V1_InventorySnapshot()
    snapshot.pnID = network.id.urn
    snapshot.name = network.name
    snapshot.revision = first
    snapshot.entries = parts.first ?? []
    let rest = parts.dropFirst().enumerated().map { number, part in change(part, in: network.id, base: first + UInt64(number)) }
    return [InventoryMessage(kind: .inventorySnapshot, body: snapshot.bytes, revision: first)] + rest
  }

  private static func parts(_ entries: [Cpns_V1_InventoryEntry], upTo limit: Int) -> [[Cpns_V1_InventoryEntry]] {
    var parts: [[Cpns_V1_InventoryEntry]] = []
    var room = 0
    for entry in entries {
      let size = entry.bytes.count
      if size > room {
        parts.append([])
        room = limit
      }
      parts[parts.count - 1].append(entry)
      room -= size
    }
    return parts
  }
}
