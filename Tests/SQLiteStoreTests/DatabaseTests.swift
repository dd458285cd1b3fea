import Foundation
import SQLiteStore
import Testing

@Suite struct DatabaseTests {
  let folder: Folder
  init() throws { folder = try Folder() }

  func open(_ schema: Schema = .numbers) throws(SQLiteError) -> Database { try Database(path: folder.file("a.sqlite"), schema: schema) }

  @Test func valuesComeBackAsTheyWere() async throws {
    let database = try open(Schema(applicationID: 77, steps: [["CREATE TABLE thing (a ANY, b ANY, c ANY, d ANY, e ANY, f ANY) STRICT"]]))
    let values: [SQLiteValue] = [.integer(.min), .real(0.5), .text("é\0after a NUL"), .blob([0, 255, 0]), .blob([]), .null]
    let back = try await database.write { (connection) throws(SQLiteError) in
      try connection.execute("INSERT INTO thing VALUES (?, ?, ?, ?, ?, ?)", values[0], values[1], values[2], values[3], values[4], values[5])
      return try connection.row("SELECT * FROM thing")
    }
    #expect(back == values)
    #expect(try await database.write { (c) throws(SQLiteError) in try c.row("SELECT ?", .text(""))?[0] } == .text(""))
  }

  @Test func aCommitIsFlushedAndTheLogIsBounded() async throws {
    let database = try open()
    func setting(_ name: String) async throws -> SQLiteValue? {
      try await database.write { (connection) throws(SQLiteError) in try connection.row("PRAGMA \(name)")?.first }
    }
    #expect(try await setting("journal_mode") == .text("wal"))
    #expect(try await setting("synchronous") == .integer(2))
    #expect(try await setting("foreign_keys") == .integer(1))
    #expect(try await setting("wal_autocheckpoint") == .integer(1_000))
  }

  @Test func nobodyElseMayReadTheFile() async throws {
    let database = try open()
    try await database.add(1)
    for name in ["a.sqlite", "a.sqlite-wal", "a.sqlite-shm", "a.sqlite.lock"] {
      #expect(try FileManager.default.attributesOfItem(atPath: folder.file(name))[.posixPermissions] as? Int == 0o600, "\(name)")
    }
  }

  // MARK: Group commit

  @Test func manyWritersShareAFlush() async throws {
    let database = try open()
    let before = database.commits
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<16 { group.addTask { for n in 0..<50 { try await database.add(writer * 1_000 + n) } } }
      try await group.waitForAll()
    }
    #expect(try await database.numbers().count == 800)
    #expect(database.commits - before < 400)
  }

  @Test func oneThatFailsDoesNotUndoTheOthers() async throws {
    let database = try open()
    try await database.add(0)
    let failed = Tally()
    await withTaskGroup(of: Void.self) { group in
      for n in 1...100 {
        group.addTask {
          do throws(SQLiteError) {
            try await database.write { (connection) throws(SQLiteError) in
              try connection.execute("INSERT INTO number VALUES (?, 'x')", .integer(Int64(n)))
              if n % 10 == 0 { try connection.execute("INSERT INTO number VALUES (0, 'again')") }
            }
          } catch {
            if case .misuse = error { failed.insert(n) }
          }
        }
      }
    }
    #expect(failed.all.count == 10)
    #expect(try await database.numbers() == (0...100).filter { $0 == 0 || $0 % 10 != 0 })
  }

  @Test func aWriterTooManyIsToldSoAtOnce() async throws {
    let database = try open()
    let refused = Tally()
    // The lane stands still until as many as may wait do wait, and some more.
    let gate = DispatchSemaphore(value: 0)
    let (standing, stands) = AsyncStream<Void>.makeStream()
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        _ = try? await database.read { (_) throws(SQLiteError) in
          stands.finish()
          gate.wait()
        }
      }
      for await _ in standing {}
      for n in 0..<(Database.maximumWaiting + 100) {
        group.addTask {
          do throws(SQLiteError) { try await database.add(n) } catch {
            guard case .unavailable = error else { return }
            refused.insert(n)
            gate.signal()
          }
        }
      }
    }
    let count = try await database.numbers().count
    #expect(refused.all.count >= 1)
    #expect(count + refused.all.count == Database.maximumWaiting + 100)
  }

  @Test func aReadChangesNothing() async throws {
    let database = try open()
    await #expect(throws: SQLiteError.self) {
      try await database.read { (connection) throws(SQLiteError) in try connection.execute("INSERT INTO number VALUES (1, '')") }
    }
    #expect(try await database.numbers() == [])
    try await database.add(1)
  }

  @Test func statementsMustBeOneAtATime() async throws {
    let database = try open()
    await #expect(throws: SQLiteError.self) {
      try await database.write { (connection) throws(SQLiteError) in _ = try connection.execute("DELETE FROM number; DELETE FROM clean") }
    }
  }

  @Test func afterItIsClosedItSaysSo() async throws {
    let database = try open()
    await database.close()
    await #expect { try await database.add(1) } throws: { if case .unavailable(let text) = $0 as? SQLiteError { text.hasSuffix("is closed") } else { false } }
  }

  // MARK: Opening

  @Test func aSecondOwnerIsRefusedAndACommandBesideTheOwnerIsNot() async throws {
    let owner = try open()
    #expect { try open() } throws: { if case .unavailable(let text) = $0 as? SQLiteError { text.contains("in use") } else { false } }
    let guest = try Database(path: folder.file("a.sqlite"), schema: .numbers, opening: .besideOwner)
    try await guest.add(5)
    await guest.close()
    #expect(try await owner.numbers() == [5])
    await owner.close()
    let next = try open()
    #expect(try await next.numbers() == [5])
  }

  @Test func aNewerCommandBesideAnOlderOwnerLeavesItsFileAlone() async throws {
    let owner = try open()
    let newer = Schema(applicationID: 77, steps: Schema.numbers.steps + [["DROP TABLE number"]])
    #expect { try Database(path: folder.file("a.sqlite"), schema: newer, opening: .besideOwner) } throws: {
      if case .unavailable(let text) = $0 as? SQLiteError { text.contains("older version") } else { false }
    }
    try await owner.add(1)
  }

  @Test func theSchemaIsBroughtUpToDateStepByStep() async throws {
    let first = try open()
    try await first.add(7)
    await first.close()
    let second = Schema(applicationID: 77, steps: Schema.numbers.steps + [["ALTER TABLE number ADD COLUMN extra TEXT NOT NULL DEFAULT 'new'"]])
    let database = try open(second)
    let row = try await database.read { (connection) throws(SQLiteError) in try connection.row("SELECT value, extra FROM number") }
    #expect(row == [.integer(7), .text("new")])
    await database.close()
    #expect(throws: SQLiteError.newer(found: 2, known: 1)) { try open() }
  }

  @Test func aStepThatFailsLeavesTheFileAsItWas() async throws {
    let first = try open()
    try await first.add(7)
    await first.close()
    let broken = Schema(applicationID: 77, steps: Schema.numbers.steps + [["CREATE TABLE half (x INTEGER) STRICT", "ALTER TABLE missing ADD COLUMN x TEXT"]])
    #expect(throws: SQLiteError.self) { try open(broken) }
    #expect(try await open().numbers() == [7])
  }

  @Test func anotherProgramsDatabaseIsLeftAlone() async throws {
    await (try open()).close()
    #expect(throws: SQLiteError.self) { try open(Schema(applicationID: 78, steps: [])) }
    let other = folder.file("b.sqlite")
    // Most programs set no application id.
    await (try Database(path: other, schema: Schema(applicationID: 0, steps: [["CREATE TABLE theirs (x TEXT) STRICT"]]))).close()
    #expect { try Database(path: other, schema: .numbers) } throws: { if case .damaged(let text) = $0 as? SQLiteError { text.contains("another program") } else { false } }
  }

  @Test func whatIsNoDatabaseIsDamaged() throws {
    try Data("Dear diary, this is not a database at all, and that is fine.".utf8).write(to: URL(filePath: folder.file("a.sqlite")))
    #expect { try open() } throws: { if case .damaged(let text) = $0 as? SQLiteError { text.contains("backup") } else { false } }
  }

  @Test func aFolderThatIsNotThereIsUnavailableAndNamed() throws {
    #expect { try Database(path: folder.file("no/a.sqlite"), schema: .numbers) } throws: {
      if case .unavailable(let text) = $0 as? SQLiteError { text.contains("No such file") } else { false }
    }
  }

  // MARK: After a kill

  @Test func afterAnUncleanEndTheFileIsChecked() async throws {
    let database = try open()
    for n in 0..<20 { try await database.add(n, note: String(repeating: "x", count: 3_000)) }
    await database.close()
    let again = try open()
    try await again.add(1_000)
    let killed = try folder.copy("a.sqlite")
    await again.close()
    try damage(killed)
    #expect { try Database(path: killed, schema: .numbers) } throws: {
      if case .damaged(let text) = $0 as? SQLiteError { text.contains("restore a backup") } else { false }
    }
  }

  /// Copies of database and log, taken while writers write, are what a kill at that moment leaves.
  @Test func whatWasAcknowledgedIsThereAfterAKillAtAnyMoment() async throws {
    let database = try open()
    let acknowledged = Tally()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for n in 0..<60 {
            try await database.add(writer * 1_000 + n)
            acknowledged.insert(writer * 1_000 + n)
          }
        }
      }
      for _ in 0..<30 {
        let promised = acknowledged.all
        let after = try Database(path: folder.copy("a.sqlite"), schema: .numbers)
        #expect(promised.isSubset(of: try await after.numbers()))
      }
      try await group.waitForAll()
    }
    #expect(acknowledged.all.count == 240)
  }

  @Test func theControlLosesWhatItAcknowledged() async throws {
    let database = try Database(path: folder.file("a.sqlite"), schema: .numbers, durability: .unsafeForTesting)
    var promised: [Int] = []
    var isCaught = false
    // A busy machine may be so late itself that the commit is not.
    while !isCaught, promised.count < 50 {
      try await database.add(promised.count)
      promised.append(promised.count)
      isCaught = try await Database(path: folder.copy("a.sqlite"), schema: .numbers).numbers() != promised
    }
    #expect(isCaught)
    await database.close()
    #expect(try await open().numbers() == promised)
  }
}
