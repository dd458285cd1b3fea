import CPNSModel
import ServerCore

/// Reading who is there. A row that can't be read is an error, never left out.
extension Connection {
  /// Made at the first start.
  func serverIdentity() throws(SQLiteError) -> EntityID {
    if let row = try row("SELECT id FROM server") { return try urn(row[0], "server.id") }
    let id = EntityID.random()
    try execute("INSERT INTO server VALUES (?)", .text(id.urn))
    return id
  }

  // MARK: Claims

  private static let claimColumns = "sequence, hash, pn_name, made, gateway, idempotency, answer, spent"

  func claim(_ hash: [UInt8]) throws(SQLiteError) -> ClaimRecord? {
    guard let row = try row("SELECT \(Self.claimColumns) FROM claim WHERE hash = ?", .blob(hash)) else { return nil }
    return try claim(row)
  }

  func claims(_ page: ListPage) throws(SQLiteError) -> Listed<ClaimRecord> {
    let rows = try rows(
      "SELECT \(Self.claimColumns) FROM claim WHERE sequence < ? ORDER BY sequence DESC LIMIT ?", .integer(page.after ?? .max), page.more)
    return try listed(rows, page) { (row) throws(SQLiteError) in try claim(row) }
  }

  private func claim(_ row: [SQLiteValue]) throws(SQLiteError) -> ClaimRecord {
    var claim = ClaimRecord(hash: row[1].blob ?? [], pnName: row[2].text, made: Timestamp(milliseconds: row[3].integer ?? 0))
    if let at = row[7].integer {
      claim.spent = ClaimSpending(
        gateway: try urn(row[4], "claim.gateway"), idempotency: try urn(row[5], "claim.idempotency"), answer: row[6].blob ?? [],
        at: Timestamp(milliseconds: at))
    }
    return claim
  }

  // MARK: Gateways and their networks

  private static let gatewayColumns = "sequence, id, name, pn, key, enrolled"

  func gateway(_ id: EntityID) throws(SQLiteError) -> GatewayRecord? {
    guard let row = try row("SELECT \(Self.gatewayColumns) FROM gateway WHERE id = ?", .text(id.urn)) else { return nil }
    return try gateway(row)
  }

  func gateways(_ page: ListPage) throws(SQLiteError) -> Listed<GatewayRecord> {
    let rows = try rows("SELECT \(Self.gatewayColumns) FROM gateway WHERE sequence > ? ORDER BY sequence LIMIT ?", .integer(page.after ?? 0), page.more)
    return try listed(rows, page) { (row) throws(SQLiteError) in try gateway(row) }
  }

  private func gateway(_ row: [SQLiteValue]) throws(SQLiteError) -> GatewayRecord {
    GatewayRecord(
      id: try urn(row[1], "gateway.id"), name: row[2].text ?? "", pn: try urn(row[3], "gateway.pn"), key: row[4].blob ?? [],
      enrolled: Timestamp(milliseconds: row[5].integer ?? 0))
  }

  private static let networkColumns = "sequence, id, name, named_here, revision, gateway"

  func network(_ id: PNID) throws(SQLiteError) -> NetworkRecord? {
    guard let row = try row("SELECT \(Self.networkColumns) FROM network WHERE id = ?", .text(id.urn)) else { return nil }
    return try network(row)
  }

  func networks(_ page: ListPage) throws(SQLiteError) -> Listed<NetworkRecord> {
    let rows = try rows("SELECT \(Self.networkColumns) FROM network WHERE sequence > ? ORDER BY sequence LIMIT ?", .integer(page.after ?? 0), page.more)
    return try listed(rows, page) { (row) throws(SQLiteError) in try network(row) }
  }

  private func network(_ row: [SQLiteValue]) throws(SQLiteError) -> NetworkRecord {
    NetworkRecord(
      id: try urn(row[1], "network.id"), name: row[2].text ?? "", isNamedHere: row[3].integer == 1, revision: UInt64(clamping: row[4].integer ?? 0),
      gateway: try urn(row[5], "network.gateway"))
  }

  // MARK: Entries

  private static let entryColumns = "entry.sequence, entry.value, entry.pn, network.gateway FROM entry JOIN network ON network.id = entry.pn"
  /// An entity is in few PNs.
  private static let mostPlaces = 16

  func entries(of pn: PNID) throws(SQLiteError) -> [InventoryEntry] {
    let rows = try rows("SELECT value FROM entry WHERE pn = ? ORDER BY sequence", .text(pn.urn))
    return try rows.map { (row) throws(SQLiteError) in try JSON.decode(InventoryEntry.self, row[0], in: "\(path): entry.value") }
  }

  func locatedEntries(_ page: ListPage) throws(SQLiteError) -> Listed<LocatedEntry> {
    let rows = try rows(
      "SELECT \(Self.entryColumns) WHERE entry.sequence > ? ORDER BY entry.sequence LIMIT ?", .integer(page.after ?? 0), page.more)
    return try listed(rows, page) { (row) throws(SQLiteError) in try locatedEntry(row) }
  }

  func places(of entity: EntityID) throws(SQLiteError) -> [LocatedEntry] {
    let sql = "SELECT \(Self.entryColumns) WHERE entry.id = ? ORDER BY entry.sequence DESC LIMIT \(Self.mostPlaces)"
    return try rows(sql, .text(entity.urn)).map { (row) throws(SQLiteError) in try locatedEntry(row) }
  }

  private func locatedEntry(_ row: [SQLiteValue]) throws(SQLiteError) -> LocatedEntry {
    LocatedEntry(
      pn: try urn(row[2], "entry.pn"), gateway: try urn(row[3], "network.gateway"),
      entry: try JSON.decode(InventoryEntry.self, row[1], in: "\(path): entry.value"))
  }

  // MARK: For all

  func urn<Named>(_ value: SQLiteValue, _ place: String) throws(SQLiteError) -> Identifier<Named> {
    guard let id = value.text.flatMap({ Identifier<Named>(urn: $0) }) else { throw .damaged("\(path): \(place) holds no urn:uuid") }
    return id
  }

  /// - Parameter rows: one more than the page holds when there are more; the first column is the sequence.
  func listed<Item>(
    _ rows: [[SQLiteValue]], _ page: ListPage, _ make: ([SQLiteValue]) throws(SQLiteError) -> Item
  ) throws(SQLiteError) -> Listed<Item> {
    let kept = rows.prefix(page.limit)
    return Listed(items: try kept.map(make), next: rows.count > kept.count ? kept.last?[0].integer : nil)
  }
}

extension ListPage {
  /// Rows to ask for: one more tells whether there is a next page.
  var more: SQLiteValue { .integer(Int64(clamping: limit) &+ (limit == .max ? 0 : 1)) }
}
