/// A schema, one step a number; each step is one transaction and is never changed once released.
package struct Schema: Sendable {
  /// Tells our files from others (`PRAGMA application_id`); not 0, and at most 0x7FFF_FFFF.
  package let applicationID: Int64
  /// SQL statements, one a string.
  package let steps: [[String]]

  package init(applicationID: Int64, steps: [[String]]) {
    self.applicationID = applicationID
    self.steps = steps
  }
}

extension Connection {
  /// Refuses files that are not ours, and those of newer versions.
  func checkBelonging(to schema: Schema) throws(SQLiteError) {
    let id = try row("PRAGMA application_id")?.first?.integer ?? 0
    if id == 0, try row("SELECT 1 FROM sqlite_schema LIMIT 1") == nil { return }
    guard id == schema.applicationID else {
      throw .damaged("\(path) is another program's database (application id \(id), expected \(schema.applicationID)); move it away")
    }
    let version = try version
    guard version <= schema.steps.count else { throw .newer(found: version, known: schema.steps.count) }
  }

  var version: Int { get throws(SQLiteError) { Int(clamping: try row("PRAGMA user_version")?.first?.integer ?? 0) } }

  /// After a kill or a power cut the disk may not hold what it was told to; better to learn it now than in the middle.
  /// A database of 10,000 deliveries takes some 50 ms.
  func checkIntegrityUnlessClean() throws(SQLiteError) {
    guard try version > 0, try row("SELECT is_clean FROM clean")?.first?.integer != 1 else { return }
    let verdict = try row("PRAGMA integrity_check(1)")?.first?.text
    guard verdict == "ok" else { throw .damaged("\(path): \(verdict ?? "no verdict")") }
  }

  func markClean(_ isClean: Bool) throws(SQLiteError) {
    try execute("UPDATE clean SET is_clean = ?", .integer(isClean ? 1 : 0))
  }

  func migrate(to schema: Schema) throws(SQLiteError) {
    for number in try version..<schema.steps.count {
      try execute("BEGIN IMMEDIATE")
      do throws(SQLiteError) {
        if number == 0 {
          try execute("PRAGMA application_id = \(schema.applicationID)")
          try execute("CREATE TABLE clean (is_clean INTEGER NOT NULL) STRICT")
          try execute("INSERT INTO clean VALUES (0)")
        }
        for statement in schema.steps[number] { try execute(statement) }
        try execute("PRAGMA user_version = \(number + 1)")
        try execute("COMMIT")
      } catch {
        _ = try? execute("ROLLBACK")  // SQLite may have done so already
        throw error
      }
    }
  }
}
