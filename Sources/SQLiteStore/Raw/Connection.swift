import CSQLite
import Glibc

/// A value of SQLite's.
package enum SQLiteValue: Sendable, Equatable {
  case integer(Int64)
  case text(String)
  case blob([UInt8])
  case null

  package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
  package var text: String? { if case .text(let value) = self { value } else { nil } }
  package var blob: [UInt8]? { if case .blob(let value) = self { value } else { nil } }
}

/// One connection.
///
/// `@unchecked Sendable`: it is used on its database's lane only, which is serial; nothing else gets hold of it.
package final class Connection: @unchecked Sendable {
  private var handle: OpaquePointer?
  private var statements: [String: OpaquePointer] = [:]
  private let path: String

  init(path: String, synchronous: String) throws(SQLiteError) {
    self.path = path
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(path, &handle, flags, nil)
    guard code == SQLITE_OK else { throw error(code) }
    sqlite3_busy_timeout(handle, Self.busyMilliseconds)
    try execute("PRAGMA journal_mode = WAL")
    try execute("PRAGMA synchronous = \(synchronous)")
    try execute("PRAGMA foreign_keys = ON")
    // 4 MB of log at the most before it is folded in: flash is written once more for each fold.
    try execute("PRAGMA wal_autocheckpoint = 1000")
  }

  deinit { close() }

  /// How long another process (`cpnsd claim new`) may hold the database.
  private static let busyMilliseconds: Int32 = 5_000

  func close() {
    for statement in statements.values { sqlite3_finalize(statement) }
    statements.removeAll()
    sqlite3_close_v2(handle)
    handle = nil
  }

  /// - Returns: rows changed.
  @discardableResult
  package func execute(_ sql: String, _ values: SQLiteValue...) throws(SQLiteError) -> Int {
    _ = try run(sql, values)
    return Int(sqlite3_changes(handle))
  }

  package func rows(_ sql: String, _ values: SQLiteValue...) throws(SQLiteError) -> [[SQLiteValue]] { try run(sql, values) }

  package func row(_ sql: String, _ values: SQLiteValue...) throws(SQLiteError) -> [SQLiteValue]? { try run(sql, values).first }

  private func run(_ sql: String, _ values: [SQLiteValue]) throws(SQLiteError) -> [[SQLiteValue]] {
    let statement = try prepared(sql)
    defer {
      sqlite3_reset(statement)
      sqlite3_clear_bindings(statement)
    }
    for (index, value) in values.enumerated() { try bind(value, at: Int32(index + 1), of: statement) }
    var rows: [[SQLiteValue]] = []
    while true {
      let code = sqlite3_step(statement)
      switch code {
      case SQLITE_ROW: rows.append((0..<sqlite3_column_count(statement)).map { Self.column($0, of: statement) })
      case SQLITE_DONE: return rows
      default: throw error(code)
      }
    }
  }

  private func prepared(_ sql: String) throws(SQLiteError) -> OpaquePointer {
    if let known = statements[sql] { return known }
    var statement: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
    guard code == SQLITE_OK, let statement else { throw error(code) }
    statements[sql] = statement
    return statement
  }

  private func bind(_ value: SQLiteValue, at index: Int32, of statement: OpaquePointer) throws(SQLiteError) {
    let code: Int32 =
      switch value {
      case .integer(let number): sqlite3_bind_int64(statement, index, number)
      case .text(let text): sqlite3_bind_text(statement, index, text, -1, csqlite_transient())
      case .blob(let bytes): bytes.isEmpty ? sqlite3_bind_zeroblob(statement, index, 0) : sqlite3_bind_blob(statement, index, bytes, Int32(bytes.count), csqlite_transient())
      case .null: sqlite3_bind_null(statement, index)
      }
    guard code == SQLITE_OK else { throw error(code) }
  }

  private static func column(_ index: Int32, of statement: OpaquePointer) -> SQLiteValue {
    switch sqlite3_column_type(statement, index) {
    case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, index))
    case SQLITE_TEXT: return sqlite3_column_text(statement, index).map { .text(String(cString: $0)) } ?? .null
    case SQLITE_BLOB:
      let count = Int(sqlite3_column_bytes(statement, index))
      guard count > 0, let bytes = sqlite3_column_blob(statement, index) else { return .blob([]) }
      return .blob(Array(UnsafeRawBufferPointer(start: bytes, count: count)))
    default: return .null
    }
  }

  private func error(_ code: Int32) -> SQLiteError {
    let text = "\(path): " + (handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code)))
    switch code & 0xFF {
    case SQLITE_CORRUPT, SQLITE_NOTADB: return .damaged(text)
    case SQLITE_ERROR, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_MISUSE, SQLITE_RANGE, SQLITE_SCHEMA: return .misuse(text)
    default: return .unavailable(text)
    }
  }
}
