import CSQLite

/// A prepared statement.
extension OpaquePointer {
  func bind(_ value: SQLiteValue, at index: Int32) -> Int32 {
    switch value {
    case .integer(let number): return sqlite3_bind_int64(self, index, number)
    case .real(let number): return sqlite3_bind_double(self, index, number)
    case .text(var text):
      // With its length: a name from the LAN may hold a NUL.
      return text.withUTF8 { bytes in
        guard let start = bytes.baseAddress else { return sqlite3_bind_text(self, index, "", 0, csqlite_transient()) }
        return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
          sqlite3_bind_text64(self, index, $0, UInt64(bytes.count), csqlite_transient(), UInt8(SQLITE_UTF8))
        }
      }
    case .blob(let bytes):
      guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(self, index, 0) }
      return sqlite3_bind_blob64(self, index, bytes, UInt64(bytes.count), csqlite_transient())
    case .null: return sqlite3_bind_null(self, index)
    }
  }

  func column(_ index: Int32) -> SQLiteValue {
    switch sqlite3_column_type(self, index) {
    case SQLITE_INTEGER: return .integer(sqlite3_column_int64(self, index))
    case SQLITE_FLOAT: return .real(sqlite3_column_double(self, index))
    case SQLITE_TEXT:
      guard let text = sqlite3_column_text(self, index) else { return .null }
      return .text(String(decoding: UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(self, index))), as: UTF8.self))
    case SQLITE_BLOB:
      guard let bytes = sqlite3_column_blob(self, index) else { return .blob([]) }
      return .blob(Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(self, index)))))
    default: return .null
    }
  }
}
