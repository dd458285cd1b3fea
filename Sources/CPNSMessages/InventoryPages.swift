package import CPNSModel

/// One page of a PN Inventory, in the order of the entities' ids.
package struct InventoryPage: Sendable {
  /// Entries that a page has when nobody says how many.
  package static let usual = 64

  package let entries: [InventoryEntry]
  package let hasMore: Bool

  /// - Parameters:
  ///   - after: `urn:uuid:…` of the last entry of the page before; empty: the first page.
  ///   - limit: 0: ``usual``; at most ``Limits/devices``.
  package init(of all: [InventoryEntry], after: String, limit: Int) {
    let wanted = min(limit == 0 ? Self.usual : limit, Limits.devices)
    let rest = all.sorted { $0.id.urn < $1.id.urn }.drop { !after.isEmpty && $0.id.urn <= after }
    entries = Array(rest.prefix(wanted))
    hasMore = rest.count > wanted
  }
}

extension Cpns_V1_Inventory {
  package init(pn: PNID, name: String, revision: UInt64, _ page: InventoryPage) {
    self.init()
    pnID = pn.urn
    self.name = name
    self.revision = revision
    entries = page.entries.map(Cpns_V1_InventoryEntry.init)
    more = page.hasMore
  }
}

extension Cpns_V1_EntityStatus {
  package init(_ entry: InventoryEntry) {
    self.init()
    entityID = entry.id.urn
    availability = Cpns_V1_Availability(entry.availability)
    reason = entry.reason
    sinceMs = entry.since.milliseconds
  }
}
