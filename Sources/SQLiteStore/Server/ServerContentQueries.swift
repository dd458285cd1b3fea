import CPNSModel
import ServerCore

/// Reading what there is to have, what is under way and what was used.
extension Connection {
  // MARK: Services

  func services(of entity: EntityID, _ pn: PNID) throws(SQLiteError) -> [ServiceDescription] {
    let rows = try rows("SELECT value FROM service WHERE pn = ? AND entity = ? ORDER BY sequence", .text(pn.urn), .text(entity.urn))
    return try rows.map { (row) throws(SQLiteError) in try JSON.decode(ServiceDescription.self, row[0], in: "\(path): service.value") }
  }

  func service(_ id: ServiceID) throws(SQLiteError) -> ServiceRecord? {
    let sql = "SELECT sequence, value, pn FROM service WHERE id = ? ORDER BY pn IS NOT NULL, sequence DESC LIMIT 1"
    guard let row = try row(sql, .text(id.urn)) else { return nil }
    return try service(row)
  }

  /// Four words, of which an empty one is in everything.
  func services(with words: [String], _ page: ListPage) throws(SQLiteError) -> Listed<ServiceRecord> {
    let word = { (index: Int) in SQLiteValue.text(index < words.count ? words[index] : "") }
    let rows = try rows(
      """
      SELECT sequence, value, pn FROM service WHERE sequence > ? AND instr(search, ?) > 0 AND instr(search, ?) > 0 AND instr(search, ?) > 0
      AND instr(search, ?) > 0 ORDER BY sequence LIMIT ?
      """, .integer(page.after ?? 0), word(0), word(1), word(2), word(3), page.more)
    return try listed(rows, page) { (row) throws(SQLiteError) in try service(row) }
  }

  private func service(_ row: [SQLiteValue]) throws(SQLiteError) -> ServiceRecord {
    ServiceRecord(
      description: try JSON.decode(ServiceDescription.self, row[1], in: "\(path): service.value"),
      pn: row[2] == .null ? nil : try urn(row[2], "service.pn"))
  }

  // MARK: Contents

  func content(_ id: ContentID) throws(SQLiteError) -> ContentRecord? {
    guard let row = try row("SELECT sequence, value, made FROM content WHERE id = ?", .text(id.urn)) else { return nil }
    return try content(row)
  }

  func contents(_ page: ListPage) throws(SQLiteError) -> Listed<ContentRecord> {
    let rows = try rows("SELECT sequence, value, made FROM content WHERE sequence > ? ORDER BY sequence LIMIT ?", .integer(page.after ?? 0), page.more)
    return try listed(rows, page) { (row) throws(SQLiteError) in try content(row) }
  }

  private func content(_ row: [SQLiteValue]) throws(SQLiteError) -> ContentRecord {
    ContentRecord(
      description: try JSON.decode(ContentDescription.self, row[1], in: "\(path): content.value"), made: Timestamp(milliseconds: row[2].integer ?? 0))
  }

  // MARK: Deliveries

  private static let deliveryColumns = "sequence, delivery_order, pn, made, answered, outcome, ended FROM delivery"

  func serverDelivery(_ id: DeliveryID) throws(SQLiteError) -> ServerDelivery? {
    guard let row = try row("SELECT \(Self.deliveryColumns) WHERE id = ?", .text(id.urn)) else { return nil }
    return try serverDelivery(row)
  }

  func serverDeliveries(_ page: ListPage) throws(SQLiteError) -> Listed<ServerDelivery> {
    let rows = try rows("SELECT \(Self.deliveryColumns) WHERE sequence < ? ORDER BY sequence DESC LIMIT ?", .integer(page.after ?? .max), page.more)
    return try listed(rows, page) { (row) throws(SQLiteError) in try serverDelivery(row) }
  }

  func unanswered(of pn: PNID, _ page: ListPage) throws(SQLiteError) -> Listed<ServerDelivery> {
    let rows = try rows(
      "SELECT \(Self.deliveryColumns) WHERE ending IS NULL AND answered = 0 AND pn = ? AND sequence > ? ORDER BY sequence LIMIT ?", .text(pn.urn),
      .integer(page.after ?? 0), page.more)
    return try listed(rows, page) { (row) throws(SQLiteError) in try serverDelivery(row) }
  }

  func overdue(unansweredSince: Timestamp, answeredSince: Timestamp, limit: Int) throws(SQLiteError) -> [ServerDelivery] {
    let rows = try rows(
      "SELECT \(Self.deliveryColumns) WHERE ending IS NULL AND (made < ? OR (made < ? AND answered = 0)) ORDER BY made LIMIT ?",
      .integer(answeredSince.milliseconds), .integer(unansweredSince.milliseconds), .integer(Int64(limit)))
    return try rows.map { (row) throws(SQLiteError) in try serverDelivery(row) }
  }

  private func serverDelivery(_ row: [SQLiteValue]) throws(SQLiteError) -> ServerDelivery {
    ServerDelivery(
      order: try JSON.decode(DeliveryOrder.self, row[1], in: "\(path): delivery.delivery_order"), pn: try urn(row[2], "delivery.pn"),
      made: Timestamp(milliseconds: row[3].integer ?? 0), isAnswered: row[4].integer == 1,
      outcome: row[5] == .null ? nil : try JSON.decode(DeliveryOutcome.self, row[5], in: "\(path): delivery.outcome"),
      ended: row[6].integer.map(Timestamp.init(milliseconds:)))
  }

  // MARK: Usage

  func usage(_ page: ListPage) throws(SQLiteError) -> Listed<ReceivedUsage> {
    let rows = try rows(
      "SELECT sequence, value, gateway, pn, received FROM usage WHERE sequence > ? ORDER BY sequence LIMIT ?", .integer(page.after ?? 0), page.more)
    return try listed(rows, page) { (row) throws(SQLiteError) in
      ReceivedUsage(
        sequence: row[0].integer ?? 0, usage: try JSON.decode(UsageRecord.self, row[1], in: "\(path): usage.value"),
        gateway: try urn(row[2], "usage.gateway"), pn: try urn(row[3], "usage.pn"), received: Timestamp(milliseconds: row[4].integer ?? 0))
    }
  }

  func counts() throws(SQLiteError) -> ServerCounts {
    var counts = ServerCounts()
    let count = { (row: [SQLiteValue]?) in Int(clamping: row?.first?.integer ?? 0) }
    counts.live = count(try row("SELECT count(*) FROM delivery WHERE ending IS NULL"))
    counts.delivered = count(try row("SELECT count(*) FROM delivery WHERE ending IS NOT NULL AND state = 'delivered'"))
    counts.failed = count(try row("SELECT count(*) FROM delivery WHERE ending IS NOT NULL AND state = 'failed'"))
    counts.usageRecords = count(try row("SELECT count(*) FROM usage"))
    return counts
  }
}
