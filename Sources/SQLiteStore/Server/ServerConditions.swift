import CPNSModel
import ServerCore

/// Whether a condition holds, inside the transaction.
extension Connection {
  func holds(_ condition: ServerCondition) throws(SQLiteError) -> Bool {
    switch condition {
    case .revision(let pn, let revision): try network(pn)?.revision == revision
    case .devices(let pn, let most): try count(of: "entry WHERE pn = ?", .text(pn.urn), upTo: most + 1) <= most
    case .claimUnspent(let hash): try row("SELECT 1 FROM claim WHERE hash = ? AND spent IS NULL", .blob(hash)) != nil
    case .unspentClaims(let limit): try count(of: "claim WHERE spent IS NULL", upTo: limit) < limit
    case .gateway(let id, let key, let pn): try gateway(id).map { $0.key == key && $0.pn == pn } ?? true
    case .contentExists(let id): try row("SELECT 1 FROM content WHERE id = ?", .text(id.urn)) != nil
    case .contentUnused(let id): try row("SELECT 1 FROM delivery WHERE ending IS NULL AND content = ?", .text(id.urn)) == nil
    case .contents(let limit): try count(of: "content", upTo: limit) < limit
    case .services(let limit): try count(of: "service WHERE pn IS NULL", upTo: limit) < limit
    case .liveDeliveries(let limit): try count(of: "delivery WHERE ending IS NULL", upTo: limit) < limit
    case .liveDeliveriesOf(let pn, let limit): try count(of: "delivery WHERE ending IS NULL AND pn = ?", .text(pn.urn), upTo: limit) < limit
    }
  }

  /// Rows, but no more than `limit` are looked at.
  private func count(of source: String, _ value: SQLiteValue? = nil, upTo limit: Int) throws(SQLiteError) -> Int {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM \(source) LIMIT ?)"
    let row = if let value { try row(sql, value, .integer(Int64(limit))) } else { try row(sql, .integer(Int64(limit))) }
    return Int(clamping: row?.first?.integer ?? 0)
  }
}
