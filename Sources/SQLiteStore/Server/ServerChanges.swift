import CPNSModel
import ServerCore

/// Writing, inside a transaction.
extension Connection {
  /// Conditions were looked at before.
  func apply(_ operation: ServerOperation) throws(SQLiteError) {
    switch operation {
    case .require: return
    case .putClaim(let claim): try put(claim)
    case .spendClaim(let hash, let spending): try spend(hash, spending)
    case .putGateway(let gateway): try put(gateway)
    case .putNetwork(let network): try put(network)
    case .putEntry(let entry, let pn): try put(entry, pn)
    case .removeEntry(let id, let pn): try removeEntry(id.urn, pn)
    case .keepEntries(let kept, let pn): try keep(kept, pn)
    case .putService(let service): try put(service.description, of: nil)
    case .removeService(let id): try execute("DELETE FROM service WHERE id = ? AND pn IS NULL", .text(id.urn))
    case .putContent(let content): try put(content)
    case .removeContent(let id): try execute("DELETE FROM content WHERE id = ?", .text(id.urn))
    case .putDelivery(let delivery): try put(delivery)
    case .answered(let id): try execute("UPDATE delivery SET answered = 1 WHERE id = ? AND ending IS NULL", .text(id.urn))
    case .end(let outcome, let at): try end(outcome, at)
    case .putUsage(let usage, let gateway, let pn, let received): try put(usage, gateway, pn, received)
    case .forget(let ended, let made): try forget(ended, made)
    }
  }

  // MARK: Gateways and their networks

  private func put(_ claim: ClaimRecord) throws(SQLiteError) {
    try execute(
      "INSERT INTO claim (hash, pn_name, made) VALUES (?, ?, ?)", .blob(claim.hash), .optional(claim.pnName), .integer(claim.made.milliseconds))
  }

  private func spend(_ hash: [UInt8], _ spending: ClaimSpending) throws(SQLiteError) {
    try execute(
      "UPDATE claim SET gateway = ?, idempotency = ?, answer = ?, spent = ? WHERE hash = ?", .text(spending.gateway.urn),
      .text(spending.idempotency.urn), .blob(spending.answer), .integer(spending.at.milliseconds), .blob(hash))
  }

  private func put(_ gateway: GatewayRecord) throws(SQLiteError) {
    try execute(
      """
      INSERT INTO gateway (id, name, pn, key, enrolled) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,
      pn = excluded.pn, key = excluded.key, enrolled = excluded.enrolled
      """,
      .text(gateway.id.urn), .text(gateway.name), .text(gateway.pn.urn), .blob(gateway.key), .integer(gateway.enrolled.milliseconds))
  }

  private func put(_ network: NetworkRecord) throws(SQLiteError) {
    try execute(
      """
      INSERT INTO network (id, name, named_here, revision, gateway) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
      name = excluded.name, named_here = excluded.named_here, revision = excluded.revision, gateway = excluded.gateway
      """,
      .text(network.id.urn), .text(network.name), .integer(network.isNamedHere ? 1 : 0), .integer(Int64(clamping: network.revision)),
      .text(network.gateway.urn))
  }

  // MARK: Entries and services

  private func put(_ entry: InventoryEntry, _ pn: PNID) throws(SQLiteError) {
    try execute(
      "INSERT INTO entry (pn, id, value) VALUES (?, ?, ?) ON CONFLICT (pn, id) DO UPDATE SET value = excluded.value", .text(pn.urn),
      .text(entry.id.urn), .text(try JSON.encode(entry)))
    let before = try services(of: entry.id, pn)
    // Most changes are of availability: the services keep their place in the list.
    guard before != entry.services else { return }
    try removeServices(entry.id.urn, pn)
    for service in entry.services { try put(service, of: (pn, entry.id)) }
  }

  private func removeEntry(_ id: String, _ pn: PNID) throws(SQLiteError) {
    try execute("DELETE FROM entry WHERE pn = ? AND id = ?", .text(pn.urn), .text(id))
    try removeServices(id, pn)
  }

  private func removeServices(_ entity: String, _ pn: PNID) throws(SQLiteError) {
    try execute("DELETE FROM service WHERE pn = ? AND entity = ?", .text(pn.urn), .text(entity))
  }

  private func keep(_ kept: Set<EntityID>, _ pn: PNID) throws(SQLiteError) {
    let kept = Set(kept.map(\.urn))
    for row in try rows("SELECT id FROM entry WHERE pn = ?", .text(pn.urn)) {
      if let id = row[0].text, !kept.contains(id) { try removeEntry(id, pn) }
    }
  }

  private func put(_ service: ServiceDescription, of owner: (pn: PNID, entity: EntityID)?) throws(SQLiteError) {
    let search = ([service.name, service.type] + service.keywords).joined(separator: "\n").lowercased()
    try execute(
      "INSERT INTO service (id, pn, entity, value, search) VALUES (?, ?, ?, ?, ?)", .text(service.id.urn), .optional(owner?.pn.urn),
      .optional(owner?.entity.urn), .text(try JSON.encode(service)), .text(search))
  }

  // MARK: Contents, deliveries, usage

  private func put(_ content: ContentRecord) throws(SQLiteError) {
    try execute(
      "INSERT INTO content (id, value, made) VALUES (?, ?, ?)", .text(content.description.id.urn), .text(try JSON.encode(content.description)),
      .integer(content.made.milliseconds))
  }

  private func put(_ delivery: ServerDelivery) throws(SQLiteError) {
    try execute(
      "INSERT INTO delivery (id, pn, content, delivery_order, made, answered) VALUES (?, ?, ?, ?, ?, ?)", .text(delivery.order.id.urn),
      .text(delivery.pn.urn), .text(delivery.order.content.id.urn), .text(try JSON.encode(delivery.order)), .integer(delivery.made.milliseconds),
      .integer(delivery.isAnswered ? 1 : 0))
  }

  /// One that has ended stays as it ended.
  private func end(_ outcome: DeliveryOutcome, _ at: Timestamp) throws(SQLiteError) {
    let ending = (try row("SELECT max(ending) FROM delivery WHERE ending IS NOT NULL")?.first?.integer ?? 0) + 1
    let changed = try execute(
      "UPDATE delivery SET state = ?, outcome = ?, ended = ?, ending = ? WHERE id = ? AND ending IS NULL", .text(outcome.state.rawValue),
      .text(try JSON.encode(outcome)), .integer(at.milliseconds), .integer(ending), .text(outcome.delivery.urn))
    guard changed > 0 else { return }
    try execute("DELETE FROM delivery WHERE ending IS NOT NULL AND ending <= ?", .integer(ending - Int64(ServerBounds.endedDeliveries)))
  }

  private func put(_ usage: UsageRecord, _ gateway: EntityID, _ pn: PNID, _ received: Timestamp) throws(SQLiteError) {
    try execute(
      "INSERT INTO usage (id, gateway, pn, received, value) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING", .text(usage.id.urn),
      .text(gateway.urn), .text(pn.urn), .integer(received.milliseconds), .text(try JSON.encode(usage)))
  }

  private func forget(_ ended: Timestamp, _ made: Timestamp) throws(SQLiteError) {
    try execute("DELETE FROM delivery WHERE ending IS NOT NULL AND ended < ?", .integer(ended.milliseconds))
    try execute("DELETE FROM claim WHERE made < ?", .integer(made.milliseconds))
  }
}
