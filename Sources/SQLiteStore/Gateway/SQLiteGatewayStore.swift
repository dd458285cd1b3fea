package import CPNSModel
package import GatewayCore

/// The gateway's store in one SQLite file.
package struct SQLiteGatewayStore: GatewayStore {
  package let database: Database
  private let clock: WallClock
  private let durability: Durability

  /// Blocks while it opens the file; see ``Database``.
  package init(path: String, clock: WallClock, durability: Durability = .full) throws(StoreError) {
    self.clock = clock
    self.durability = durability
    do { database = try Database(path: path, schema: .gateway, durability: durability) } catch { throw StoreError(error) }
  }

  package func close() async { await database.close() }

  package func load() async throws(StoreError) -> GatewayState {
    let now = clock.now()
    return try await write { (connection) throws(SQLiteError) in
      try connection.forgetOldDeliveries(now)
      return GatewayState(
        gateway: try connection.gatewayIdentity(), pn: try connection.personalNetwork(), entries: try connection.entries(),
        pairings: try connection.pairings(), deliveries: try connection.liveDeliveries())
    }
  }

  package func commit(_ operations: [StoreOperation]) async throws(StoreError) {
    switch durability {
    case .full: try await apply(operations)
    case .unsafeForTesting: try await applyInPieces(operations)
    }
  }

  package func delivery(_ id: DeliveryID) async throws(StoreError) -> DeliveryRecord? {
    try await read { (connection) throws(SQLiteError) in try connection.delivery(id) }
  }

  package func endedDeliveries(limit: Int) async throws(StoreError) -> [DeliveryRecord] {
    try await read { (connection) throws(SQLiteError) in try connection.endedDeliveries(limit) }
  }

  package func outbox(after sequence: Int64, limit: Int) async throws(StoreError) -> [OutboxMessage] {
    try await read { (connection) throws(SQLiteError) in try connection.outbox(after: sequence, limit: limit) }
  }

  package func lastSequence() async throws(StoreError) -> Int64 {
    try await read { (connection) throws(SQLiteError) in try connection.lastSequence() }
  }

  package func outboxDepth() async throws(StoreError) -> OutboxDepth {
    try await read { (connection) throws(SQLiteError) in try connection.outboxDepth() }
  }

  // MARK: Inside

  private func apply(_ operations: [StoreOperation]) async throws(StoreError) {
    let now = clock.now()
    try await write { (connection) throws(SQLiteError) in
      for operation in operations { try connection.apply(operation, at: now) }
    }
  }

  /// The control of the kill tests: the change first, what must tell of it some time later, in a transaction of its own.
  private func applyInPieces(_ operations: [StoreOperation]) async throws(StoreError) {
    let messages = operations.filter { if case .enqueue = $0 { true } else { false } }
    try await apply(operations.filter { !messages.contains($0) })
    guard !messages.isEmpty else { return }
    await database.settle()
    try await apply(messages)
  }

  private func write<T: Sendable>(_ work: @escaping @Sendable (Connection) throws(SQLiteError) -> T) async throws(StoreError) -> T {
    do { return try await database.write(work) } catch { throw StoreError(error) }
  }

  private func read<T: Sendable>(_ work: @escaping @Sendable (Connection) throws(SQLiteError) -> T) async throws(StoreError) -> T {
    do { return try await database.read(work) } catch { throw StoreError(error) }
  }
}

extension StoreError {
  init(_ error: SQLiteError) {
    self =
      switch error {
      case .unavailable(let text): .unavailable(text)
      // SQL of ours that does not fit: somebody changed the file.
      case .damaged(let text), .misuse(let text): .damaged(text)
      case .newer(let found, let known): .newer(found: found, known: known)
      }
  }
}
