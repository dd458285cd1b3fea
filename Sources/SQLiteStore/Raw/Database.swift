import Dispatch
package import Synchronization

/// How much a commit means.
package enum Durability: Sendable, Equatable {
  /// WAL and synchronous=FULL: what was acknowledged survives a power cut.
  case full
  /// For the control of the kill test only: acknowledges first and writes later, in pieces.
  case unsafeForTesting
}

/// A schema, one step a number; each step is one transaction and is never changed once released.
package struct Schema: Sendable {
  /// Tells our files from others ("PRAGMA application_id").
  let applicationID: Int64
  let steps: [[String]]

  package init(applicationID: Int64, steps: [[String]]) {
    self.applicationID = applicationID
    self.steps = steps
  }
}

/// A database, with one lane of its own off the cooperative pool, and group commit.
///
///     write ─┐
///     write ─┼─▶ waiting ──lane──▶ BEGIN; savepoint each; COMMIT (one flush) ──▶ all resume
///     write ─┘
///
/// `@unchecked Sendable`: the connection is touched on `lane` only; what waits is under a lock.
package final class Database: @unchecked Sendable {
  /// Writes that may wait for the next commit.
  private static let maximumWaiting = 4_096

  private struct Write: Sendable {
    let work: @Sendable (Connection) throws -> Void
    let done: @Sendable (Result<Void, SQLiteError>) -> Void
  }
  private struct Waiting {
    var writes: [Write] = []
    var isScheduled = false
  }

  private let lane = DispatchQueue(label: "pngw.sqlite")
  private let connection: Connection
  private let durability: Durability
  private let waiting = Mutex(Waiting())
  /// On the lane: `commitLate` has a transaction open.
  private var isOpen = false
  /// Transactions committed since the start, for tests of the group commit.
  package let commits = Atomic<Int>(0)

  /// Opens or makes the file, checks that it is ours and whole, and brings its schema up to date.
  package init(path: String, schema: Schema, durability: Durability = .full) throws(SQLiteError) {
    self.durability = durability
    connection = try Connection(path: path, synchronous: durability == .full ? "FULL" : "OFF")
    try Self.check(connection, schema, path)
    try Self.migrate(connection, schema)
    try connection.execute("UPDATE clean SET is_clean = 0")
  }

  /// Marks an orderly end and closes.
  package func close() async {
    await withCheckedContinuation { continuation in
      lane.async { [connection] in
        _ = try? connection.execute("UPDATE clean SET is_clean = 1")  // an unclean mark only costs a check at the next start
        connection.close()
        continuation.resume()
      }
    }
  }

  /// Runs `work` in a transaction, together with whatever else waits, and returns when that is on disk.
  package func write<T: Sendable>(_ work: @escaping @Sendable (Connection) throws(SQLiteError) -> T) async throws(SQLiteError) -> T {
    let result: Result<T, SQLiteError> = await withCheckedContinuation { continuation in
      let slot = Slot<T>()
      let write = Write(
        work: { slot.value = try work($0) },
        done: { outcome in continuation.resume(returning: outcome.flatMap { slot.value.map(Result.success) ?? .failure(.misuse("no result")) }) })
      if !enqueue(write) { continuation.resume(returning: .failure(.unavailable("\(Self.maximumWaiting) writes wait already"))) }
    }
    return try result.get()
  }

  package func read<T: Sendable>(_ work: @escaping @Sendable (Connection) throws(SQLiteError) -> T) async throws(SQLiteError) -> T {
    let result: Result<T, SQLiteError> = await withCheckedContinuation { continuation in
      lane.async { [connection] in continuation.resume(returning: Result { () throws(SQLiteError) in try work(connection) }) }
    }
    return try result.get()
  }

  // MARK: Group commit

  /// `@unchecked Sendable`: set and read on the lane.
  private final class Slot<T: Sendable>: @unchecked Sendable { var value: T? }

  private func enqueue(_ write: Write) -> Bool {
    let (accepted, mustSchedule) = waiting.withLock { waiting in
      guard waiting.writes.count < Self.maximumWaiting else { return (false, false) }
      waiting.writes.append(write)
      defer { waiting.isScheduled = true }
      return (true, !waiting.isScheduled)
    }
    if mustSchedule { lane.async { self.commitWaiting() } }
    return accepted
  }

  private func commitWaiting() {
    let batch = waiting.withLock { waiting in
      defer { waiting.writes = [] }
      waiting.isScheduled = false
      return waiting.writes
    }
    if durability == .unsafeForTesting { return commitLate(batch) }
    let outcomes = transaction(batch)
    for (write, outcome) in zip(batch, outcomes) { write.done(outcome) }
  }

  private func transaction(_ batch: [Write]) -> [Result<Void, SQLiteError>] {
    do throws(SQLiteError) {
      try connection.execute("BEGIN IMMEDIATE")
      var outcomes: [Result<Void, SQLiteError>] = []
      for write in batch { outcomes.append(try savepoint(write)) }
      try connection.execute("COMMIT")
      commits.add(1, ordering: .relaxed)
      return outcomes
    } catch {
      _ = try? connection.execute("ROLLBACK")  // it may have been rolled back already
      return batch.map { _ in .failure(error) }
    }
  }

  /// One that fails does not undo the others.
  private func savepoint(_ write: Write) throws(SQLiteError) -> Result<Void, SQLiteError> {
    try connection.execute("SAVEPOINT one")
    do {
      try write.work(connection)
      try connection.execute("RELEASE one")
      return .success(())
    } catch let error as SQLiteError {
      if case .unavailable = error { throw error }
      try connection.execute("ROLLBACK TO one")
      try connection.execute("RELEASE one")
      return .failure(error)
    } catch {
      throw .misuse("\(error)")
    }
  }

  /// What `.full` must never do: it says yes first and commits a while later, each write by itself.
  private func commitLate(_ batch: [Write]) {
    // The work runs now, because its result is the answer; what it wrote stays in an open transaction.
    if !isOpen { isOpen = (try? connection.execute("BEGIN IMMEDIATE")) != nil }
    for write in batch { write.done(Result { try write.work(connection) }.mapError { $0 as? SQLiteError ?? .misuse("\($0)") }) }
    lane.asyncAfter(deadline: .now() + .milliseconds(200)) {
      if self.isOpen { _ = try? self.connection.execute("COMMIT") }
      self.isOpen = false
    }
  }

  // MARK: Opening

  private static func check(_ connection: Connection, _ schema: Schema, _ path: String) throws(SQLiteError) {
    let id = try connection.row("PRAGMA application_id")?.first?.integer ?? 0
    let version = try connection.row("PRAGMA user_version")?.first?.integer ?? 0
    if version == 0, id == 0 { return }
    guard id == schema.applicationID else { throw .damaged("\(path) belongs to another program (application id \(id)); move it away") }
    guard version <= schema.steps.count else { throw .newer(found: Int(version), known: schema.steps.count) }
    guard try connection.row("SELECT is_clean FROM clean")?.first?.integer != 1 else { return }
    let verdict = try connection.row("PRAGMA integrity_check(1)")?.first?.text
    guard verdict == "ok" else { throw .damaged("\(path): \(verdict ?? "no verdict"); restore a backup or move it away") }
  }

  private static func migrate(_ connection: Connection, _ schema: Schema) throws(SQLiteError) {
    let from = Int(try connection.row("PRAGMA user_version")?.first?.integer ?? 0)
    for number in from..<schema.steps.count {
      try connection.execute("BEGIN IMMEDIATE")
      do throws(SQLiteError) {
        if number == 0 {
          try connection.execute("PRAGMA application_id = \(schema.applicationID)")
          try connection.execute("CREATE TABLE clean (is_clean INTEGER NOT NULL) STRICT")
          try connection.execute("INSERT INTO clean VALUES (0)")
        }
        for statement in schema.steps[number] { try connection.execute(statement) }
        try connection.execute("PRAGMA user_version = \(number + 1)")
        try connection.execute("COMMIT")
      } catch {
        _ = try? connection.execute("ROLLBACK")  // it may have been rolled back already
        throw error
      }
    }
  }
}
