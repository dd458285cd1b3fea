package import CPNSModel

/// What must survive a power cut: claims, gateways, PN Inventories, services, contents, deliveries and usage.
///
/// Every operation of one `commit` is on disk, or none is. Commits that come together share one flush (group commit).
package protocol ServerStore: Sendable {
  /// Of this server; made at the first start and never changed.
  func identity() async throws(ServerStoreError) -> EntityID

  /// Returns when the operations are on disk.
  /// - Throws: ``ServerStoreError/unmet(_:)`` when a condition among them does not hold; nothing was changed then.
  func commit(_ operations: [ServerOperation]) async throws(ServerStoreError)

  /// - Parameter hash: SHA-256 of the claim's secret.
  func claim(_ hash: [UInt8]) async throws(ServerStoreError) -> ClaimRecord?
  /// The newest first.
  func claims(_ page: ListPage) async throws(ServerStoreError) -> Listed<ClaimRecord>

  func gateway(_ id: EntityID) async throws(ServerStoreError) -> GatewayRecord?
  func gateways(_ page: ListPage) async throws(ServerStoreError) -> Listed<GatewayRecord>

  func network(_ id: PNID) async throws(ServerStoreError) -> NetworkRecord?
  func networks(_ page: ListPage) async throws(ServerStoreError) -> Listed<NetworkRecord>
  /// At most ``Limits/devices``.
  func entries(of pn: PNID) async throws(ServerStoreError) -> [InventoryEntry]
  func entries(_ page: ListPage) async throws(ServerStoreError) -> Listed<LocatedEntry>
  /// An entity may be in several PNs (a TV that two gateways see): the newest 16 of its places.
  func places(of entity: EntityID) async throws(ServerStoreError) -> [LocatedEntry]

  /// One that an application published before one of a PNE's.
  func service(_ id: ServiceID) async throws(ServerStoreError) -> ServiceRecord?
  /// - Parameter words: in lower case, at most 4; each must be in the service's name, type or keywords.
  func services(with words: [String], _ page: ListPage) async throws(ServerStoreError) -> Listed<ServiceRecord>

  func content(_ id: ContentID) async throws(ServerStoreError) -> ContentRecord?
  func contents(_ page: ListPage) async throws(ServerStoreError) -> Listed<ContentRecord>

  func delivery(_ id: DeliveryID) async throws(ServerStoreError) -> ServerDelivery?
  /// The newest first.
  func deliveries(_ page: ListPage) async throws(ServerStoreError) -> Listed<ServerDelivery>
  /// Those that no gateway has answered for yet, the oldest first.
  func unanswered(of pn: PNID, _ page: ListPage) async throws(ServerStoreError) -> Listed<ServerDelivery>
  /// Live ones that were made before the first time and not answered, or before the second, at most `limit`.
  func overdue(unansweredSince: Timestamp, answeredSince: Timestamp, limit: Int) async throws(ServerStoreError) -> [ServerDelivery]

  /// In the order in which they came.
  func usage(_ page: ListPage) async throws(ServerStoreError) -> Listed<ReceivedUsage>
  /// Where a list that follows on this record begins.
  func sequence(of usage: UsageID) async throws(ServerStoreError) -> Int64?
  func counts() async throws(ServerStoreError) -> ServerCounts
}

/// A part of a list.
package struct ListPage: Sendable, Equatable {
  /// ``Listed/next`` of the page before; nil for the first page.
  package var after: Int64?
  /// 1 or more.
  package var limit: Int

  package init(after: Int64? = nil, limit: Int) {
    self.after = after
    self.limit = limit
  }
}

package struct Listed<Item: Sendable>: Sendable {
  package var items: [Item]
  /// Where the next page begins; nil when this is the last.
  package var next: Int64?

  package init(items: [Item], next: Int64?) {
    self.items = items
    self.next = next
  }
}

package struct ServerCounts: Sendable, Equatable {
  /// Of deliveries that are remembered.
  package var live = 0
  package var delivered = 0
  package var failed = 0
  package var usageRecords = 0

  package init() {}
}

package enum ServerStoreError: Error, Equatable, Sendable {
  /// No room, an I/O error or too much to do: nothing was changed; try again later.
  case unavailable(String)
  /// The file is not a database of ours or is damaged: for a person.
  case damaged(String)
  /// The file was written by a newer version (its number, ours): for a person.
  case newer(found: Int, known: Int)
  /// This condition of the commit did not hold: look again, then decide anew.
  case unmet(ServerCondition)
}
