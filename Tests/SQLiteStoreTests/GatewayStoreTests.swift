import CPNSModel
import Foundation
import GatewayCore
import SQLiteStore
import Testing

@Suite struct GatewayStoreTests {
  let folder: Folder
  init() throws { folder = try Folder() }

  func open(at now: Timestamp = Sample.now, durability: Durability = .full) throws -> SQLiteGatewayStore {
    try SQLiteGatewayStore(path: folder.file("pngw.sqlite"), clock: WallClock { now }, durability: durability)
  }

  // MARK: The contract

  func contract(_ durability: Durability) -> GatewayStoreContract {
    let path = folder.file("contract.sqlite")
    return GatewayStoreContract(testDescription: "sqlite \(durability)") { now, body in
      let store = try SQLiteGatewayStore(path: path, clock: WallClock { now }, durability: durability)
      try await body(store)
      await store.close()
    }
  }

  @Test func whatWasCommittedIsThereAfterARestart() async throws { try await contract(.full).holdsWhatWasCommitted() }
  @Test func aPutReplacesWhatWasThere() async throws { try await contract(.full).putsReplace() }
  @Test func aDeliveryThatHasEndedStaysSo() async throws { try await contract(.full).aDeliveryThatHasEndedStaysSo() }
  @Test func endedDeliveriesAreListedWithHowTheyEnded() async throws { try await contract(.full).endedDeliveriesAreListedWithHowTheyEnded() }
  @Test func everySourceOfADeliveryIsKept() async throws { try await contract(.full).everySourceIsKept() }
  @Test func endedDeliveriesAreForgottenAfterThirtyDays() async throws { try await contract(.full).endedDeliveriesAreForgottenAfterThirtyDays() }
  @Test func theOutboxIsInOrderAndItsNumbersAreNeverUsedAgain() async throws {
    try await contract(.full).theOutboxIsInOrderAndItsNumbersAreNeverUsedAgain()
  }
  @Test func withoutAKillTheControlKeepsEverythingToo() async throws {
    try await contract(.unsafeForTesting).holdsWhatWasCommitted()
    let outbox = GatewayStoreTests(folder: try Folder())
    try await outbox.contract(.unsafeForTesting).theOutboxIsInOrderAndItsNumbersAreNeverUsedAgain()
  }

  private init(folder: Folder) { self.folder = folder }

  // MARK: What is SQLite's

  @Test func tenThousandEndedDeliveriesAreRememberedAndNoMore() async throws {
    let store = try open()
    let first = Sample.delivery(.delivered), second = Sample.delivery(.failed)
    try await store.commit([.putDelivery(first), .putDelivery(second)])
    for _ in 0..<10 { try await store.commit((0..<999).map { _ in .putDelivery(Sample.delivery(.delivered)) }) }
    try await store.commit((0..<8).map { _ in .putDelivery(Sample.delivery(.delivered)) })
    #expect(try await store.delivery(first.order.id) == first)
    try await store.commit([.putDelivery(Sample.delivery(.delivered))])
    #expect(try await store.delivery(first.order.id) == nil)
    #expect(try await store.delivery(second.order.id) == second)
  }

  @Test func aDatabaseOfTheFirstSchemaIsTakenOver() async throws {
    let path = folder.file("pngw.sqlite")
    let first = Schema(applicationID: Schema.gateway.applicationID, steps: Array(Schema.gateway.steps.prefix(1)))
    let old = try Database(path: path, schema: first, durability: .full)
    let live = Sample.delivery(.fetching)
    let order = String(decoding: try JSONEncoder().encode(live.order), as: UTF8.self), source = String(decoding: try JSONEncoder().encode(live.source), as: UTF8.self)
    try await old.write { (connection) throws(SQLiteError) in
      _ = try connection.execute(
        "INSERT INTO delivery VALUES (?, 'fetching', ?, ?, ?, 1, NULL, NULL)", .text(live.order.id.urn), .text(order), .text(source),
        .integer(Sample.now.milliseconds))
    }
    await old.close()
    #expect(try await open().load().deliveries == [live])
  }

  @Test func aCommitThatFailsChangesNothing() async throws {
    let store = try open()
    try await store.database.write { (connection) throws(SQLiteError) in
      _ = try connection.execute("CREATE TRIGGER refusal BEFORE INSERT ON outbox BEGIN SELECT raise(FAIL, 'no'); END")
    }
    await #expect(throws: StoreError.self) { try await store.commit([.putEntry(Sample.entry()), .enqueue(Sample.draft(1))]) }
    #expect(try await store.load().entries.isEmpty)
  }

  @Test func aRowThatCantBeReadIsToldAndNotForgotten() async throws {
    let store = try open()
    try await store.commit([.putEntry(Sample.entry())])
    try await store.database.write { (connection) throws(SQLiteError) in _ = try connection.execute("UPDATE entry SET value = '{}'") }
    await #expect { try await store.load() } throws: { if case .damaged(let text) = $0 as? StoreError { text.contains("entry.value") } else { false } }
  }

  @Test func theErrorsOfTheFileAreTheStores() async throws {
    let store = try open()
    #expect { try open() } throws: { if case .unavailable = $0 as? StoreError { true } else { false } }
    try await store.database.write { (connection) throws(SQLiteError) in _ = try connection.execute("PRAGMA user_version = 9") }
    await store.close()
    #expect(throws: StoreError.newer(found: 9, known: 2)) { try open() }
    try Data("nothing".utf8).write(to: URL(filePath: folder.file("pngw.sqlite")))
    #expect { try open() } throws: { if case .damaged = $0 as? StoreError { true } else { false } }
  }
}
