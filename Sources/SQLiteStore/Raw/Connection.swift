import CSQLite
import Glibc

/// One connection, used on its database's lane only: it is not `Sendable`, so that no work can carry it off.
package final class Connection {
  /// How long another process (`cpnsd claim new`) may hold the database.
  private static let busyMilliseconds: Int32 = 5_000
  /// Prepared statements that are kept. Ours number some dozens; one that is put together anew each time must not pile up.
  private static let maximumStatements = 256

  let path: String
  private var handle: OpaquePointer?
  private var statements: [String: OpaquePointer] = [:]
  /// Off while `Database.read` runs.
  var mayWrite = true

  /// - Parameter synchronous: `FULL` or `OFF`.
  init(path: String, synchronous: String) throws(SQLiteError) {
    self.path = path
    let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK else { throw error(code) }
    sqlite3_busy_timeout(handle, Self.busyMilliseconds)
    let mode = try row("PRAGMA journal_mode = WAL")?.first?.text
    guard mode == "wal" else { throw .unavailable("\(path): the file system can't hold a write-ahead log (mode \(mode ?? "unknown")); use a local disk") }
    for setting in Self.settings { _ = try row(setting) }
    _ = try row("PRAGMA synchronous = \(synchronous)")
  }

  /// For looking only.
  init(reading path: String) throws(SQLiteError) {
    self.path = path
    mayWrite = false
    let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK else { throw error(code) }
    sqlite3_busy_timeout(handle, Self.busyMilliseconds)
    for setting in ["PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON"] { _ = try row(setting) }
  }

  private static let settings = [
    "PRAGMA foreign_keys = ON",
    // The log is folded in at 4 MB, and cut back to that after a burst: flash is written once more for each fold.
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 4194304",
    // All we read often fits; the rest is in the system's cache.
    "PRAGMA cache_size = -512",
    "PRAGMA temp_store = MEMORY",
    // A file that somebody tampered with runs no functions and is checked as it is read.
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
  ]

  deinit { close() }

  func close() {
    for statement in statements.values { sqlite3_finalize(statement) }
    statements.removeAll()
    sqlite3_close_v2(handle)
    handle = nil
  }

  /// SQLite ends a transaction by itself when the disk fails it.
  var isInTransaction: Bool { handle.map { sqlite3_get_autocommit($0) == 0 } ?? false }

  // MARK: Running statements

  /// - Parameter sql: one statement, its parameters as `?`.
  /// - Returns: rows that it inserted, updated or deleted.
  @discardableResult
  package func execute(_ sql: String, _ values: SQLiteValue...) throws(SQLiteError) -> Int {
    _ = try run(sql, values)
    return Int(sqlite3_changes(handle))
  }

  package func rows(_ sql: String, _ values: SQLiteValue...) throws(SQLiteError) -> [[SQLiteValue]] { try run(sql, values) }

  /// The first row.
  package func row(_ sql: String, _ values: SQLiteValue...) throws(SQLiteError) -> [SQLiteValue]? { try run(sql, values).first }

  private func run(_ sql: String, _ values: [SQLiteValue]) throws(SQLiteError) -> [[SQLiteValue]] {
    let statement = try prepared(sql)
    defer { putBack(statement, sql) }
    guard mayWrite || sqlite3_stmt_readonly(statement) != 0 else { throw .misuse("\(path): a read may not change anything: \(sql)") }
    for (index, value) in values.enumerated() {
      let code = statement.bind(value, at: Int32(index + 1))
      guard code == SQLITE_OK else { throw error(code) }
    }
    var rows: [[SQLiteValue]] = []
    while true {
      let code = sqlite3_step(statement)
      switch code {
      case SQLITE_ROW: rows.append((0..<sqlite3_column_count(statement)).map(statement.column))
      case SQLITE_DONE: return rows
      default: throw error(code)
      }
    }
  }

  private func prepared(_ sql: String) throws(SQLiteError) -> OpaquePointer {
    if let known = statements[sql] { return known }
    guard handle != nil else { throw .unavailable("\(path) is closed") }
    var statement: OpaquePointer?
    let (code, isOne) = sql.withCString { text in
      var tail: UnsafePointer<CChar>?
      let code = sqlite3_prepare_v3(handle, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, &tail)
      return (code, tail.map { $0.pointee == 0 } ?? true)
    }
    guard code == SQLITE_OK else { throw error(code) }
    guard let statement, isOne else {
      sqlite3_finalize(statement)
      throw .misuse("\(path): not one statement: \(sql)")
    }
    if statements.count < Self.maximumStatements { statements[sql] = statement }
    return statement
  }

  private func putBack(_ statement: OpaquePointer, _ sql: String) {
    guard statements[sql] != nil else {
      sqlite3_finalize(statement)
      return
    }
    sqlite3_reset(statement)
    sqlite3_clear_bindings(statement)
  }

  // MARK: Errors

  /// SQLite's texts name tables and columns, never values.
  private func error(_ code: Int32) -> SQLiteError {
    let text = "\(path): " + String(cString: handle.map { sqlite3_errmsg($0) } ?? sqlite3_errstr(code))
    switch code & 0xFF {
    case SQLITE_CORRUPT, SQLITE_NOTADB: return .damaged(text)
    case SQLITE_ERROR, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_MISUSE, SQLITE_RANGE, SQLITE_SCHEMA, SQLITE_TOOBIG: return .misuse(text)
    case SQLITE_CANTOPEN, SQLITE_IOERR: return .unavailable(text + systemReason)
    default: return .unavailable(text)
    }
  }

  /// Which call failed (https://sqlite.org/rescode.html), and what the system said of it.
  private var systemReason: String {
    guard let handle else { return "" }
    let system = sqlite3_system_errno(handle)
    return " (SQLite \(sqlite3_extended_errcode(handle))" + (system == 0 ? ")" : ", \(String(cString: strerror(system))))")
  }
}
