import CSQLite
import Glibc

/// What can be said of a database without owning it: for tools, beside a running gateway or without one. Changes nothing of what is in it.
package struct DatabaseExamination: Sendable, Equatable {
  package enum Verdict: Sendable, Equatable {
    case absent, sound
    case damaged(String)
    case foreign(String)
    case newer(found: Int, known: Int)
    case unavailable(String)
  }
  package var verdict: Verdict
  package var version = 0
  /// Rows of each table of ours; empty when it is not sound.
  package var rows: [String: Int] = [:]
  /// The server of the enrolment, `HOST:PORT`, and its id.
  package var server: String?
  package var serverID: String?

  /// Reads the whole file: some 50 ms for 10,000 deliveries.
  package init(gatewayDatabase path: String) {
    guard access(path, F_OK) == 0 else {
      verdict = .absent
      return
    }
    do throws(SQLiteError) {
      let connection = try Connection(reading: path)
      self = try Self(connection, path)
    } catch {
      verdict =
        switch error {
        case .damaged(let text), .misuse(let text): .damaged(text)
        case .unavailable(let text): .unavailable(text)
        case .newer(let found, let known): .newer(found: found, known: known)
        }
    }
  }

  private init(_ connection: Connection, _ path: String) throws(SQLiteError) {
    let schema = Schema.gateway
    let id = try connection.row("PRAGMA application_id")?.first?.integer ?? 0
    version = try connection.version
    guard id == schema.applicationID || version == 0 && id == 0 else {
      verdict = .foreign("\(path) is another program's database (application id \(id), expected \(schema.applicationID))")
      return
    }
    guard version <= schema.steps.count else {
      verdict = .newer(found: version, known: schema.steps.count)
      return
    }
    let complaint = try connection.row("PRAGMA integrity_check(1)")?.first?.text ?? "no verdict"
    guard complaint == "ok" else {
      verdict = .damaged("\(path): \(complaint)")
      return
    }
    verdict = .sound
    guard version > 0 else { return }
    for table in ["entry", "pairing", "delivery", "outbox"] {
      rows[table] = Int(clamping: try connection.row("SELECT count(*) FROM \(table)")?.first?.integer ?? 0)
    }
    let network = try connection.row("SELECT server, server_id FROM pn")
    server = network?[0].text
    serverID = network?[1].text
  }
}
