package import CPNSModel
import FoundationEssentials
package import GatewayCore

/// The gateway's store in one SQLite file.
package struct SQLiteGatewayStore: GatewayStore {
  /// Ended deliveries that are remembered, so that a repeated offer is recognised.
  static let rememberedDeliveries: Int64 = 10_000

  package let database: Database
  private let clock: WallClock

  package init(path: String, clock: WallClock, durability: Durability = .full) throws(StoreError) {
    self.clock = clock
    do { database = try Database(path: path, schema: .gateway, durability: durability) } catch { throw StoreError(error) }
  }

  package func close() async { await database.close() }

  package func load() async throws(StoreError) -> GatewayState {
    try await mapped { () async throws(SQLiteError) in
      try await database.write { (connection) throws(SQLiteError) in
        GatewayState(
          gateway: try Self.identity(connection), pn: try Self.network(connection), entries: try Self.entries(connection),
          pairings: try Self.pairings(connection), deliveries: try Self.unended(connection))
      }
    }
  }

  package func commit(_ operations: [StoreOperation]) async throws(StoreError) {
    let now = clock.now()
    try await mapped { () async throws(SQLiteError) in
      try await database.write { (connection) throws(SQLiteError) in
        for operation in operations { try Self.apply(operation, now, connection) }
      }
    }
  }

  package func delivery(_ id: DeliveryID) async throws(StoreError) -> DeliveryRecord? {
    try await mapped { () async throws(SQLiteError) in
      try await database.read { (connection) throws(SQLiteError) in
        try connection.row("SELECT orders, state, source, accepted, attempts FROM delivery WHERE id = ?", .text(id.urn)).flatMap(Self.delivery)
      }
    }
  }

  package func outbox(after sequence: Int64, limit: Int) async throws(StoreError) -> [OutboxMessage] {
    try await mapped { () async throws(SQLiteError) in
      try await database.read { (connection) throws(SQLiteError) in
        try connection.rows(
          "SELECT sequence, kind, body, idempotency, made FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ?", .integer(sequence), .integer(Int64(limit))
        ).compactMap(Self.message)
      }
    }
  }

  package func outboxDepth() async throws(StoreError) -> OutboxDepth {
    try await mapped { () async throws(SQLiteError) in
      try await database.read { (connection) throws(SQLiteError) in
        let row = try connection.row("SELECT count(*), min(made) FROM outbox")
        return OutboxDepth(messages: Int(row?[0].integer ?? 0), oldest: row?[1].integer.map(Timestamp.init(milliseconds:)))
      }
    }
  }

  private func mapped<T>(_ body: () async throws(SQLiteError) -> T) async throws(StoreError) -> T {
    do { return try await body() } catch { throw StoreError(error) }
  }

  // MARK: Reading

  private static func identity(_ connection: Connection) throws(SQLiteError) -> EntityID {
    if let text = try connection.row("SELECT id FROM gateway")?.first?.text {
      guard let id = EntityID(urn: text) else { throw .damaged("the gateway's id is \"\(text)\"") }
      return id
    }
    let id = EntityID.random()
    try connection.execute("INSERT INTO gateway VALUES (?)", .text(id.urn))
    return id
  }

  private static func network(_ connection: Connection) throws(SQLiteError) -> PersonalNetworkState? {
    guard let row = try connection.row("SELECT id, name, revision, server, server_id FROM pn"), let id = row[0].text.flatMap({ PNID(urn: $0) }) else { return nil }
    return PersonalNetworkState(
      id: id, name: row[1].text ?? "", revision: UInt64(clamping: row[2].integer ?? 0), server: row[3].text,
      serverID: row[4].text.flatMap { EntityID(urn: $0) })
  }

  private static func entries(_ connection: Connection) throws(SQLiteError) -> [InventoryEntry] {
    try connection.rows("SELECT value FROM entry").compactMap { $0[0].text.flatMap { JSON.decode(InventoryEntry.self, $0) } }
  }

  private static func pairings(_ connection: Connection) throws(SQLiteError) -> [Pairing] {
    try connection.rows("SELECT element, name, generation, gateway_key, paired FROM pairing").compactMap { row in
      guard let element = row[0].text.flatMap({ EntityID(urn: $0) }), let key = row[3].blob else { return nil }
      return Pairing(
        element: element, name: row[1].text ?? "", generation: UInt32(clamping: row[2].integer ?? 0), gatewayKey: key,
        paired: Timestamp(milliseconds: row[4].integer ?? 0))
    }
  }

  private static func unended(_ connection: Connection) throws(SQLiteError) -> [DeliveryRecord] {
    try connection.rows("SELECT orders, state, source, accepted, attempts FROM delivery WHERE is_final = 0 ORDER BY accepted").compactMap(delivery)
  }

  private static func delivery(_ row: [SQLiteValue]) -> DeliveryRecord? {
    guard let order = row[0].text.flatMap({ JSON.decode(DeliveryOrder.self, $0) }), let state = row[1].text.flatMap(DeliveryState.init(rawValue:)),
      let source = row[2].text.flatMap({ JSON.decode(ContentSource.self, $0) })
    else { return nil }
    return DeliveryRecord(
      order: order, state: state, source: source, accepted: Timestamp(milliseconds: row[3].integer ?? 0), attempts: Int(row[4].integer ?? 0))
  }

  private static func message(_ row: [SQLiteValue]) -> OutboxMessage? {
    guard let sequence = row[0].integer, let kind = row[1].integer, let body = row[2].blob, let id = row[3].text.flatMap({ IdempotencyID(urn: $0) }) else { return nil }
    return OutboxMessage(
      sequence: sequence, draft: OutboxDraft(kind: Int(kind), body: body, idempotency: id, made: Timestamp(milliseconds: row[4].integer ?? 0)))
  }

  // MARK: Writing

  private static func apply(_ operation: StoreOperation, _ now: Timestamp, _ connection: Connection) throws(SQLiteError) {
    switch operation {
    case .setPN(let pn):
      try connection.execute("DELETE FROM pn")
      try connection.execute(
        "INSERT INTO pn VALUES (?, ?, ?, ?, ?)", .text(pn.id.urn), .text(pn.name), .integer(Int64(clamping: pn.revision)), .optional(pn.server),
        .optional(pn.serverID?.urn))
    case .putEntry(let entry):
      try connection.execute("INSERT OR REPLACE INTO entry VALUES (?, ?)", .text(entry.id.urn), .text(JSON.encode(entry)))
    case .removeEntry(let id): try connection.execute("DELETE FROM entry WHERE id = ?", .text(id.urn))
    case .putPairing(let pairing):
      try connection.execute(
        "INSERT OR REPLACE INTO pairing VALUES (?, ?, ?, ?, ?)", .text(pairing.element.urn), .text(pairing.name), .integer(Int64(pairing.generation)),
        .blob(pairing.gatewayKey), .integer(pairing.paired.milliseconds))
    case .removePairing(let id): try connection.execute("DELETE FROM pairing WHERE element = ?", .text(id.urn))
    case .putDelivery(let record): try put(record, now, connection)
    case .enqueue(let draft):
      try connection.execute(
        "INSERT INTO outbox (kind, body, idempotency, made) VALUES (?, ?, ?, ?)", .integer(Int64(draft.kind)), .blob(draft.body),
        .text(draft.idempotency.urn), .integer(draft.made.milliseconds))
    case .acknowledge(let upTo): try connection.execute("DELETE FROM outbox WHERE sequence <= ?", .integer(upTo))
    }
  }

  /// One that has ended stays ended.
  private static func put(_ record: DeliveryRecord, _ now: Timestamp, _ connection: Connection) throws(SQLiteError) {
    try connection.execute(
      """
      INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
      SET state = excluded.state, is_final = excluded.is_final, attempts = excluded.attempts, ended = excluded.ended WHERE is_final = 0
      """,
      .text(record.order.id.urn), .text(record.state.rawValue), .integer(record.state.isFinal ? 1 : 0), .text(JSON.encode(record.order)),
      .text(JSON.encode(record.source)), .integer(record.accepted.milliseconds), .integer(Int64(record.attempts)),
      record.state.isFinal ? .integer(now.milliseconds) : .null)
    guard record.state.isFinal else { return }
    try connection.execute(
      "DELETE FROM delivery WHERE is_final = 1 AND ended < (SELECT ended FROM delivery WHERE is_final = 1 ORDER BY ended DESC LIMIT 1 OFFSET ?)",
      .integer(Self.rememberedDeliveries))
  }
}

extension SQLiteValue {
  static func optional(_ text: String?) -> SQLiteValue { text.map(SQLiteValue.text) ?? .null }
}

extension StoreError {
  init(_ error: SQLiteError) {
    self =
      switch error {
      case .unavailable(let text), .misuse(let text): .unavailable(text)
      case .damaged(let text): .damaged(text)
      case .newer(let found, let known): .newer(found: found, known: known)
      }
  }
}
