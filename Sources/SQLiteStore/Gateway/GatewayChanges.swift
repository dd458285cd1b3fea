import CPNSModel
import GatewayCore

/// Writing, inside a transaction.
extension Connection {
  /// How long an ended delivery is remembered, so that a repeated offer is recognised.
  static let rememberedMilliseconds: Int64 = 30 * 86_400_000
  /// … and how many at most: some 10 MB.
  static let rememberedDeliveries: Int64 = 10_000

  func apply(_ operation: StoreOperation, at now: Timestamp) throws(SQLiteError) {
    switch operation {
    case .setPN(let pn): try put(pn)
    case .putEntry(let entry):
      try execute("INSERT OR REPLACE INTO entry VALUES (?, ?)", .text(entry.id.urn), .text(try JSON.encode(entry)))
    case .removeEntry(let id): try execute("DELETE FROM entry WHERE id = ?", .text(id.urn))
    case .putPairing(let pairing): try put(pairing)
    case .removePairing(let id): try execute("DELETE FROM pairing WHERE element = ?", .text(id.urn))
    case .putDelivery(let record): try put(record, at: now)
    case .enqueue(let draft):
      try execute(
        "INSERT INTO outbox (kind, body, idempotency, made) VALUES (?, ?, ?, ?)", .integer(Int64(draft.kind)), .blob(draft.body),
        .text(draft.idempotency.urn), .integer(draft.made.milliseconds))
    case .acknowledge(let after, let upTo): try execute("DELETE FROM outbox WHERE sequence > ? AND sequence <= ?", .integer(after), .integer(upTo))
    }
  }

  private func put(_ pn: PersonalNetworkState) throws(SQLiteError) {
    try execute("DELETE FROM pn")
    try execute(
      "INSERT INTO pn VALUES (?, ?, ?, ?, ?)", .text(pn.id.urn), .text(pn.name), .integer(Int64(clamping: pn.revision)), .optional(pn.server),
      .optional(pn.serverID?.urn))
  }

  private func put(_ pairing: Pairing) throws(SQLiteError) {
    try execute(
      "INSERT OR REPLACE INTO pairing VALUES (?, ?, ?, ?, ?)", .text(pairing.element.urn), .text(pairing.name), .integer(Int64(pairing.generation)),
      .blob(pairing.gatewayKey), .integer(pairing.paired.milliseconds))
  }

  /// One that has ended stays as it ended.
  private func put(_ record: DeliveryRecord, at now: Timestamp) throws(SQLiteError) {
    let ending = record.state.isFinal ? try nextEnding() : nil
    let changed = try execute(
      """
      INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state,
      delivery_order = excluded.delivery_order, source = excluded.source, accepted = excluded.accepted, attempts = excluded.attempts,
      ended = excluded.ended, ending = excluded.ending, outcome = excluded.outcome WHERE ending IS NULL
      """,
      .text(record.order.id.urn), .text(record.state.rawValue), .text(try JSON.encode(record.order)), .text(try JSON.encode(record.source)),
      .integer(record.accepted.milliseconds), .integer(Int64(record.attempts)), ending == nil ? .null : .integer(now.milliseconds), .optional(ending),
      .optional(try record.ending.map { (value) throws(SQLiteError) in try JSON.encode(value) }))
    guard changed > 0, let ending else { return }
    try execute("DELETE FROM delivery WHERE ending IS NOT NULL AND ending <= ?", .integer(ending - Self.rememberedDeliveries))
    try forgetOldDeliveries(now)
  }

  private func nextEnding() throws(SQLiteError) -> Int64 {
    (try row("SELECT max(ending) FROM delivery WHERE ending IS NOT NULL")?.first?.integer ?? 0) + 1
  }

  func forgetOldDeliveries(_ now: Timestamp) throws(SQLiteError) {
    try execute("DELETE FROM delivery WHERE ending IS NOT NULL AND ended < ?", .integer(now.milliseconds - Self.rememberedMilliseconds))
  }
}
