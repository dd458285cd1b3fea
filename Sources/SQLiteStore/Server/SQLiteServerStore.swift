package import CPNSModel
package import ServerCore
import Synchronization

/// The CPNS Server's store in one SQLite file.
package struct SQLiteServerStore: ServerStore {
  package let database: Database

  /// Blocks while it opens the file; see ``Database``.
  package init(path: String, durability: Durability = .full, opening: Opening = .alone) throws(ServerStoreError) {
    do { database = try Database(path: path, schema: .server, durability: durability, opening: opening) } catch { throw ServerStoreError(error) }
  }

  package func close() async { await database.close() }

  package func identity() async throws(ServerStoreError) -> EntityID {
    do { return try await database.write { (connection) throws(SQLiteError) in try connection.serverIdentity() } } catch { throw ServerStoreError(error) }
  }

  package func commit(_ operations: [ServerOperation]) async throws(ServerStoreError) {
    let unmet = Unmet()
    do {
      try await database.write { (connection) throws(SQLiteError) in
        unmet.set(nil)
        for operation in operations {
          if case .require(let condition) = operation, try !connection.holds(condition) {
            unmet.set(condition)
            // Undoes what was done before it.
            throw .misuse("a condition does not hold")
          }
          try connection.apply(operation)
        }
      }
    } catch {
      if let condition = unmet.condition { throw .unmet(condition) }
      throw ServerStoreError(error)
    }
  }

  // MARK: Reading

  package func claim(_ hash: [UInt8]) async throws(ServerStoreError) -> ClaimRecord? {
    try await read { (connection) throws(SQLiteError) in try connection.claim(hash) }
  }
  package func claims(_ page: ListPage) async throws(ServerStoreError) -> Listed<ClaimRecord> {
    try await read { (connection) throws(SQLiteError) in try connection.claims(page) }
  }
  package func gateway(_ id: EntityID) async throws(ServerStoreError) -> GatewayRecord? {
    try await read { (connection) throws(SQLiteError) in try connection.gateway(id) }
  }
  package func gateways(_ page: ListPage) async throws(ServerStoreError) -> Listed<GatewayRecord> {
    try await read { (connection) throws(SQLiteError) in try connection.gateways(page) }
  }
  package func network(_ id: PNID) async throws(ServerStoreError) -> NetworkRecord? {
    try await read { (connection) throws(SQLiteError) in try connection.network(id) }
  }
  package func networks(_ page: ListPage) async throws(ServerStoreError) -> Listed<NetworkRecord> {
    try await read { (connection) throws(SQLiteError) in try connection.networks(page) }
  }
  package func entries(of pn: PNID) async throws(ServerStoreError) -> [InventoryEntry] {
    try await read { (connection) throws(SQLiteError) in try connection.entries(of: pn) }
  }
  package func entries(_ page: ListPage) async throws(ServerStoreError) -> Listed<LocatedEntry> {
    try await read { (connection) throws(SQLiteError) in try connection.locatedEntries(page) }
  }
  package func places(of entity: EntityID) async throws(ServerStoreError) -> [LocatedEntry] {
    try await read { (connection) throws(SQLiteError) in try connection.places(of: entity) }
  }
  package func service(_ id: ServiceID) async throws(ServerStoreError) -> ServiceRecord? {
    try await read { (connection) throws(SQLiteError) in try connection.service(id) }
  }
  package func services(with words: [String], _ page: ListPage) async throws(ServerStoreError) -> Listed<ServiceRecord> {
    try await read { (connection) throws(SQLiteError) in try connection.services(with: words, page) }
  }
  package func content(_ id: ContentID) async throws(ServerStoreError) -> ContentRecord? {
    try await read { (connection) throws(SQLiteError) in try connection.content(id) }
  }
  package func contents(_ page: ListPage) async throws(ServerStoreError) -> Listed<ContentRecord> {
    try await read { (connection) throws(SQLiteError) in try connection.contents(page) }
  }
  package func delivery(_ id: DeliveryID) async throws(ServerStoreError) -> ServerDelivery? {
    try await read { (connection) throws(SQLiteError) in try connection.serverDelivery(id) }
  }
  package func deliveries(_ page: ListPage) async throws(ServerStoreError) -> Listed<ServerDelivery> {
    try await read { (connection) throws(SQLiteError) in try connection.serverDeliveries(page) }
  }
  package func unanswered(of pn: PNID, _ page: ListPage) async throws(ServerStoreError) -> Listed<ServerDelivery> {
    try await read { (connection) throws(SQLiteError) in try connection.unanswered(of: pn, page) }
  }
  package func overdue(unansweredSince: Timestamp, answeredSince: Timestamp, limit: Int) async throws(ServerStoreError) -> [ServerDelivery] {
    try await read { (connection) throws(SQLiteError) in
      try connection.overdue(unansweredSince: unansweredSince, answeredSince: answeredSince, limit: limit)
    }
  }
  package func usage(_ page: ListPage) async throws(ServerStoreError) -> Listed<ReceivedUsage> {
    try await read { (connection) throws(SQLiteError) in try connection.usage(page) }
  }
  package func sequence(of usage: UsageID) async throws(ServerStoreError) -> Int64? {
    try await read { (connection) throws(SQLiteError) in try connection.row("SELECT sequence FROM usage WHERE id = ?", .text(usage.urn))?.first?.integer }
  }
  package func counts() async throws(ServerStoreError) -> ServerCounts {
    try await read { (connection) throws(SQLiteError) in try connection.counts() }
  }

  private func read<T: Sendable>(_ work: @escaping @Sendable (Connection) throws(SQLiteError) -> T) async throws(ServerStoreError) -> T {
    do { return try await database.read(work) } catch { throw ServerStoreError(error) }
  }
}

/// Carries a condition that does not hold out of the transaction that it undid.
private final class Unmet: Sendable {
  private let held = Mutex<ServerCondition?>(nil)
  var condition: ServerCondition? { held.withLock { $0 } }
  func set(_ condition: ServerCondition?) { held.withLock { $0 = condition } }
}

extension ServerStoreError {
  init(_ error: SQLiteError) {
    self =
      switch error {
      case .unavailable(let text): .unavailable(text)
      // SQL of ours that does not fit: somebody changed the file.
      case .damaged(let text), .misuse(let text): .damaged(text)
      case .newer(let found, let known): .newer(found: found, known: known)
      }
  }
}
