import CPNSModel
import GatewayCore

/// Reading. A row that can't be read is an error, never left out: a PNE that is quietly forgotten would be told to the server as gone.
extension Connection {
  /// Made at the first start.
  func gatewayIdentity() throws(SQLiteError) -> EntityID {
    if let row = try row("SELECT id FROM gateway") { return try identifier(row[0], in: "gateway.id") }
    let id = EntityID.random()
    try execute("INSERT INTO gateway VALUES (?)", .text(id.urn))
    return id
  }

  func personalNetwork() throws(SQLiteError) -> PersonalNetworkState? {
    guard let row = try row("SELECT id, name, revision, server, server_id FROM pn") else { return nil }
    return PersonalNetworkState(
      id: try identifier(row[0], in: "pn.id"), name: row[1].text ?? "", revision: UInt64(clamping: row[2].integer ?? 0), server: row[3].text,
      serverID: row[4] == .null ? nil : try identifier(row[4], in: "pn.server_id"))
  }

  func entries() throws(SQLiteError) -> [InventoryEntry] {
    var entries: [InventoryEntry] = []
    for row in try rows("SELECT value FROM entry") { entries.append(try JSON.decode(InventoryEntry.self, row[0], in: "\(path): entry.value")) }
    return entries
  }

  func pairings() throws(SQLiteError) -> [Pairing] {
    var pairings: [Pairing] = []
    for row in try rows("SELECT element, name, generation, gateway_key, paired FROM pairing") {
      pairings.append(
        Pairing(
          element: try identifier(row[0], in: "pairing.element"), name: row[1].text ?? "", generation: UInt32(clamping: row[2].integer ?? 0),
          gatewayKey: row[3].blob ?? [], paired: Timestamp(milliseconds: row[4].integer ?? 0)))
    }
    return pairings
  }

  /// Those that have not ended, the oldest first.
  func liveDeliveries() throws(SQLiteError) -> [DeliveryRecord] {
    var deliveries: [DeliveryRecord] = []
    for row in try rows("SELECT \(Self.deliveryColumns) FROM delivery WHERE ending IS NULL ORDER BY accepted") { deliveries.append(try delivery(row)) }
    return deliveries
  }

  func delivery(_ id: DeliveryID) throws(SQLiteError) -> DeliveryRecord? {
    guard let row = try row("SELECT \(Self.deliveryColumns) FROM delivery WHERE id = ?", .text(id.urn)) else { return nil }
    return try delivery(row)
  }

  /// The newest end first.
  func endedDeliveries(_ limit: Int) throws(SQLiteError) -> [DeliveryRecord] {
    var deliveries: [DeliveryRecord] = []
    let sql = "SELECT \(Self.deliveryColumns) FROM delivery WHERE ending IS NOT NULL ORDER BY ending DESC LIMIT ?"
    for row in try rows(sql, .integer(Int64(limit))) { deliveries.append(try delivery(row)) }
    return deliveries
  }

  private static let deliveryColumns = "delivery_order, state, source, accepted, attempts, outcome"

  private func delivery(_ row: [SQLiteValue]) throws(SQLiteError) -> DeliveryRecord {
    guard let state = row[1].text.flatMap(DeliveryState.init(rawValue:)) else { throw .damaged("\(path): delivery.state holds no state") }
    return DeliveryRecord(
      order: try JSON.decode(DeliveryOrder.self, row[0], in: "\(path): delivery.delivery_order"), state: state,
      source: try JSON.decode(ContentSource.self, row[2], in: "\(path): delivery.source"),
      accepted: Timestamp(milliseconds: row[3].integer ?? 0), attempts: Int(clamping: row[4].integer ?? 0),
      ending: row[5] == .null ? nil : try JSON.decode(DeliveryEnding.self, row[5], in: "\(path): delivery.outcome"))
  }

  func outbox(after sequence: Int64, limit: Int) throws(SQLiteError) -> [OutboxMessage] {
    var messages: [OutboxMessage] = []
    let sql = "SELECT sequence, kind, body, idempotency, made FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ?"
    for row in try rows(sql, .integer(sequence), .integer(Int64(limit))) {
      let draft = OutboxDraft(
        kind: Int(clamping: row[1].integer ?? 0), body: row[2].blob ?? [], idempotency: try identifier(row[3], in: "outbox.idempotency"),
        made: Timestamp(milliseconds: row[4].integer ?? 0))
      messages.append(OutboxMessage(sequence: row[0].integer ?? 0, draft: draft))
    }
    return messages
  }

  func lastSequence() throws(SQLiteError) -> Int64 { try row("SELECT max(sequence) FROM outbox")?.first?.integer ?? 0 }

  func outboxDepth() throws(SQLiteError) -> OutboxDepth {
    // Two look-ups, not min(made): an outage of weeks may leave many rows, and the first was made first.
    let oldest = try row("SELECT made FROM outbox ORDER BY sequence LIMIT 1")?.first?.integer
    let row = try row("SELECT count(*), sum(length(body)) FROM outbox")
    return OutboxDepth(
      messages: Int(clamping: row?[0].integer ?? 0), bytes: UInt64(clamping: row?[1].integer ?? 0), oldest: oldest.map(Timestamp.init(milliseconds:)))
  }

  private func identifier<Named>(_ value: SQLiteValue, in place: String) throws(SQLiteError) -> Identifier<Named> {
    guard let id = value.text.flatMap({ Identifier<Named>(urn: $0) }) else { throw .damaged("\(path): \(place) holds no urn:uuid") }
    return id
  }
}
