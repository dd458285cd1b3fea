import Dispatch
import Synchronization

/// A database, with one lane of its own off the cooperative pool, and group commit.
///
///     write ─┐
///     write ─┼─▶ waiting ──lane──▶ BEGIN; savepoint each; COMMIT (one flush) ──▶ all resume
///     write ─┘
///
/// While one batch is flushed the next one gathers, so that the writers share the flushes however many they are.
///
/// `@unchecked Sendable`: `connection`, `lock` and `isLate` are touched on `lane` only, which is serial (and in `init`,
/// before anybody else has the object); what waits is under its own lock.
package final class Database: @unchecked Sendable {
  /// Writes that may wait for the next commit, and reads for the lane. Above it: `.unavailable`.
  package static let maximumWaiting = 4_096
  /// How late `.unsafeForTesting` commits, and how long it leaves a change without what tells of it.
  private static let lateness = DispatchTimeInterval.milliseconds(200)
  private static let silence = DispatchTimeInterval.milliseconds(600)

  private struct Write: Sendable {
    /// Inside the transaction.
    /// - Returns: tells the writer its result.
    let work: @Sendable (Connection) throws(SQLiteError) -> @Sendable () -> Void
    let fail: @Sendable (SQLiteError) -> Void
  }
  private struct Waiting {
    var writes: [Write] = []
    var reads = 0
    var isScheduled = false
  }

  private let lane = DispatchQueue(label: "pngw.sqlite")
  private let connection: Connection
  private let durability: Durability
  private let waiting = Mutex(Waiting())
  private var lock: OwnerLock?
  /// `commitLate` has a transaction open.
  private var isLate = false
  private let committed = Atomic<Int>(0)

  /// Transactions of writes since the start, each with one flush.
  package var commits: Int { committed.load(ordering: .relaxed) }

  /// Opens or makes the file (mode 0600), checks that it is ours and, after an unclean end, whole, and brings its schema up to date.
  /// Blocks for as long as that takes: for the start, before anything is served.
  package init(path: String, schema: Schema, durability: Durability = .full, opening: Opening = .alone) throws(SQLiteError) {
    self.durability = durability
    lock = try OwnerLock.take(beside: path)
    let isOwner = lock != nil
    guard isOwner || opening == .besideOwner else { throw .unavailable("\(path) is in use by another process; end that first") }
    try makePrivateFile(path)
    do throws(SQLiteError) {
      connection = try Connection(path: path, synchronous: durability == .full ? "FULL" : "OFF")
      try connection.checkBelonging(to: schema)
      if isOwner {
        try connection.checkIntegrityUnlessClean()
        try connection.migrate(to: schema)
        try connection.markClean(false)
      } else if try connection.version < schema.steps.count {
        throw .unavailable("\(path) is in use by an older version; restart that first")
      }
    } catch .damaged(let text), .misuse(let text) {
      throw .damaged(text + "; restore a backup, or move it away with its -wal file to begin anew")
    }
  }

  /// Marks an orderly end and closes. Writes that come later get `.unavailable`.
  package func close() async {
    await withCheckedContinuation { continuation in
      lane.async {
        self.commitWhatIsLate()
        // A mark that can't be written costs a check at the next start.
        if self.lock != nil { _ = try? self.connection.markClean(true) }
        self.connection.close()
        self.lock = nil
        continuation.resume()
      }
    }
  }

  // MARK: Working with it

  /// Runs `work` in a transaction, together with whatever else waits, and returns when that is on disk.
  ///
  /// When `work` throws, its changes are undone and nobody else's. It may run a second time, after the first was undone;
  /// it must not begin or end transactions.
  package func write<T: Sendable>(_ work: @escaping @Sendable (Connection) throws(SQLiteError) -> T) async throws(SQLiteError) -> T {
    let result: Result<T, SQLiteError> = await withCheckedContinuation { continuation in
      let write = Write(
        work: { (connection) throws(SQLiteError) in
          let value = try work(connection)
          return { continuation.resume(returning: .success(value)) }
        },
        fail: { continuation.resume(returning: .failure($0)) })
      if !enqueue(write) { write.fail(Self.tooMany) }
    }
    return try result.get()
  }

  /// Runs `work` between commits; it can't change anything.
  package func read<T: Sendable>(_ work: @escaping @Sendable (Connection) throws(SQLiteError) -> T) async throws(SQLiteError) -> T {
    guard waiting.withLock({ waiting in
      guard waiting.reads < Self.maximumWaiting else { return false }
      waiting.reads += 1
      return true
    }) else { throw Self.tooMany }
    let result: Result<T, SQLiteError> = await withCheckedContinuation { continuation in
      lane.async { continuation.resume(returning: self.readNow(work)) }
    }
    return try result.get()
  }

  private func readNow<T>(_ work: (Connection) throws(SQLiteError) -> T) -> Result<T, SQLiteError> {
    waiting.withLock { $0.reads -= 1 }
    connection.mayWrite = false
    defer { connection.mayWrite = true }
    return Result { () throws(SQLiteError) in try work(connection) }
  }

  private static let tooMany = SQLiteError.unavailable("\(maximumWaiting) wait for the database already")

  // MARK: Group commit

  private func enqueue(_ write: Write) -> Bool {
    let (isAccepted, mustSchedule) = waiting.withLock { waiting in
      guard waiting.writes.count < Self.maximumWaiting else { return (false, false) }
      waiting.writes.append(write)
      defer { waiting.isScheduled = true }
      return (true, !waiting.isScheduled)
    }
    if mustSchedule { lane.async { self.commitWaiting() } }
    return isAccepted
  }

  private func commitWaiting() {
    let batch = waiting.withLock { waiting in
      defer { waiting.writes = [] }
      waiting.isScheduled = false
      return waiting.writes
    }
    if durability == .unsafeForTesting { return commitLate(batch) }
    switch commit(batch) {
    case .done(let tellings): for tell in tellings { tell() }
    case .failed(let error): for write in batch { write.fail(error) }
    case .takenBack: for write in batch { commitAlone(write) }
    }
  }

  private enum Outcome {
    /// On disk; what tells each writer.
    case done([@Sendable () -> Void])
    case failed(SQLiteError)
    /// One write made SQLite give up the whole transaction: it was too large for the disk.
    case takenBack
  }

  private func commit(_ batch: [Write]) -> Outcome {
    do throws(SQLiteError) {
      try connection.execute("BEGIN IMMEDIATE")
      var tellings: [@Sendable () -> Void] = []
      for write in batch {
        do throws(SQLiteError) { tellings.append(try savepoint(write)) } catch {
          rollBack()
          return batch.count > 1 ? .takenBack : .failed(error)
        }
      }
      try connection.execute("COMMIT")
      committed.add(1, ordering: .relaxed)
      return .done(tellings)
    } catch {
      rollBack()
      return .failed(error)
    }
  }

  private func rollBack() {
    if connection.isInTransaction { _ = try? connection.execute("ROLLBACK") }  // whatever it says, the transaction is over
  }

  private func commitAlone(_ write: Write) {
    switch commit([write]) {
    case .done(let tellings): for tell in tellings { tell() }
    case .failed(let error): write.fail(error)
    case .takenBack: write.fail(.unavailable("\(connection.path): the transaction was taken back"))
    }
  }

  /// One that fails does not undo the others.
  /// - Throws: when SQLite gave up the whole transaction.
  private func savepoint(_ write: Write) throws(SQLiteError) -> @Sendable () -> Void {
    try connection.execute("SAVEPOINT one")
    do throws(SQLiteError) {
      let tell = try write.work(connection)
      try connection.execute("RELEASE one")
      return tell
    } catch {
      guard connection.isInTransaction else { throw error }
      try connection.execute("ROLLBACK TO one")
      try connection.execute("RELEASE one")
      return { write.fail(error) }
    }
  }

  // MARK: The control

  private func commitLate(_ batch: [Write]) {
    if !isLate {
      isLate = (try? connection.execute("BEGIN IMMEDIATE")) != nil  // without one each statement is its own, which is unsafe too
      lane.asyncAfter(deadline: .now() + Self.lateness) { self.commitWhatIsLate() }
    }
    for write in batch {
      do throws(SQLiteError) { try savepoint(write)() } catch { write.fail(error) }
    }
  }

  /// Returns some time after what was said yes to is committed; at once with `.full`.
  func settle() async {
    guard durability == .unsafeForTesting else { return }
    await withCheckedContinuation { continuation in lane.asyncAfter(deadline: .now() + Self.silence) { continuation.resume() } }
  }

  private func commitWhatIsLate() {
    guard isLate else { return }
    isLate = false
    _ = try? connection.execute("COMMIT")  // nobody waits for it: that is what makes it unsafe
    committed.add(1, ordering: .relaxed)
  }
}
