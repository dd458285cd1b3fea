import CPNSMessages
import CPNSModel
import Logging
import Testing

@testable import GatewayCore

@Suite(.timeLimit(.minutes(2))) struct PNInventoryTests {
  private let bench = Bench()
  private var store: MemoryStore { bench.store }

  private func inventory(_ bench: Bench? = nil) async throws -> PNInventory { try await (bench ?? self.bench).prepare().inventory }

  // MARK: One change

  @Test func aChangeAndItsMessageAreOneCommitAndRaiseTheRevisionByOne() async throws {
    let inventory = try await inventory()
    let tv = entry()
    #expect(try await inventory.put(tv) == 1)
    let commit = try #require(store.now.commits.last)
    #expect(commit.contains(.putEntry(tv)))
    #expect(commit.contains { if case .enqueue = $0 { true } else { false } })
    let changes = try #require(store.outbox.first?.changes)
    #expect([changes.baseRevision, changes.revision] == [0, 1])
    #expect(changes.entries.map(\.entityID) == [tv.id.urn])
    #expect(store.now.pn?.revision == 1)
  }

  @Test func whatChangesNothingWritesNothing() async throws {
    let inventory = try await inventory()
    var tv = entry()
    try await inventory.put(tv)
    tv.since = Timestamp(milliseconds: 99)
    #expect(try await inventory.put(tv) == 1)
    #expect(store.outbox.count == 1)
    #expect(await inventory.entry(tv.id)?.since == Timestamp(milliseconds: 1))
  }

  @Test func aDeviceThatIsTakenOutIsToldAsRemoved() async throws {
    let inventory = try await inventory()
    let tv = entry()
    try await inventory.put(tv)
    try await inventory.remove(tv.id, with: [.removePairing(tv.id)])
    #expect(store.outbox.last?.changes?.entries.map(\.removed) == [true])
    #expect(store.now.commits.last?.contains(.removePairing(tv.id)) == true)
    #expect(await inventory.all.isEmpty && store.now.entries.isEmpty)
  }

  @Test func beforeEnrolmentNobodyIsTold() async throws {
    let bench = Bench(isEnrolled: false)
    let inventory = try await inventory(bench)
    try await inventory.put(entry())
    #expect(bench.store.outbox.isEmpty)
    #expect(bench.store.now.entries.count == 1)
  }

  @Test func enrolmentTellsEverythingAtOnce() async throws {
    let bench = Bench(isEnrolled: false)
    let inventory = try await inventory(bench)
    let tv = entry()
    try await inventory.put(tv)
    let pn = PNID.random()
    try await inventory.enrol(pn: pn, server: "new:7420", serverID: .random())
    let snapshot = try #require(bench.store.outbox.first?.snapshot)
    #expect(snapshot.pnID == pn.urn && snapshot.revision == 2 && snapshot.entries.map(\.entityID) == [tv.id.urn])
  }

  @Test func aDeviceTooManyIsLeftOutAndWarnedOf() async throws {
    let gateway = try await bench.prepare()
    var first: EntityID?
    for number in 0..<Limits.devices {
      let device = entry(.random(), "TV \(number)")
      first = first ?? device.id
      try await gateway.inventory.put(device)
    }
    let late = entry(.random(), "late")
    try await gateway.inventory.put(late)
    #expect(await gateway.inventory.entry(late.id) == nil)
    #expect(gateway.health.all.map(\.code) == [.devicesFull])
    try await gateway.inventory.remove(#require(first))
    #expect(gateway.health.all.isEmpty)
    try await gateway.inventory.put(late)
    #expect(await gateway.inventory.entry(late.id) == late)
  }

  // MARK: The disk fails

  @Test func aChangeThatIsNotOnDiskDidNotHappen() async throws {
    let gateway = try await bench.prepare()
    let tv = entry()
    try await gateway.inventory.put(tv)
    store.failWrites()
    await #expect(throws: StoreError.self) { try await gateway.inventory.setAvailability(tv.id, .offline, reason: "byebye") }
    await #expect(throws: StoreError.self) { try await gateway.inventory.put(entry()) }
    await #expect(throws: StoreError.self) { try await gateway.inventory.remove(tv.id) }
    #expect(await gateway.inventory.all == [tv])
    #expect(gateway.health.all.map(\.code) == [.storeUnavailable])
    store.failWrites(nil)
    try await gateway.inventory.setAvailability(tv.id, .offline, reason: "byebye")
    #expect(gateway.health.all.isEmpty)
    #expect(store.outbox.compactMap(\.changes).map { [$0.baseRevision, $0.revision] } == [[0, 1], [1, 2]])
  }

  @Test func anEnrolmentThatIsNotOnDiskDidNotHappen() async throws {
    let bench = Bench(isEnrolled: false)
    let inventory = try await inventory(bench)
    bench.store.failWrites()
    await #expect(throws: StoreError.self) { try await inventory.enrol(pn: .random(), server: "s:1", serverID: .random()) }
    #expect(await inventory.network == bench.store.now.pn)
  }

  @Test func aFailedChangeDoesNotUndoALaterOneOfTheSameDevice() async throws {
    let inventory = try await inventory()
    let id = EntityID.random()
    try await inventory.put(entry(id, "one"))
    store.hold()
    async let failing: UInt64? = try? inventory.put(entry(id, "two"))
    await eventually("the first waits for the disk") { store.waiting == 1 }
    async let late: UInt64? = try? inventory.put(entry(id, "three"))
    await settle()
    store.failWrites(times: 1)
    store.release()
    _ = await (failing, late)
    #expect(store.now.entries[id]?.name == "three")
    #expect(await inventory.entry(id) == store.now.entries[id])
  }

  @Test func whatIsStillOnItsWayToTheDiskIsNotToldAsThere() async throws {
    let inventory = try await inventory()
    let tv = entry()
    store.hold()
    async let first: UInt64? = try? inventory.put(tv)
    await eventually("the first waits for the disk") { store.waiting == 1 }
    // The same once more, as a PNE does that lost its link: it may hear "done" only when it is.
    async let again: UInt64? = try? inventory.put(tv)
    await settle()
    store.failWrites(times: 2)
    store.release()
    let answers = await [first, again]
    #expect(answers == [nil, nil])
  }

  // MARK: Several at once

  @Test func changesAtTheSameTimeAreToldInTheOrderOfTheirRevisions() async throws {
    let inventory = try await inventory()
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<100 { group.addTask { _ = try? await inventory.put(entry(.random(), "TV \(number)")) } }
    }
    let told = store.outbox.compactMap(\.changes)
    #expect(told.flatMap(\.entries).count == 100)
    #expect(told.first?.baseRevision == 0 && told.last?.revision == 100)
    #expect(zip(told, told.dropFirst()).allSatisfy { $0.revision == $1.baseRevision })
    #expect(store.now.pn?.revision == 100)
  }

  @Test func changesThatWaitForTheSameFlushShareTheNextOne() async throws {
    let inventory = try await inventory()
    store.hold()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { _ = try? await inventory.put(entry(.random(), "first")) }
      await eventually("the first waits for the disk") { store.waiting == 1 }
      for number in 0..<20 { group.addTask { _ = try? await inventory.put(entry(.random(), "TV \(number)")) } }
      await settle()
      store.release()
    }
    #expect(store.now.entries.count == 21)
    #expect(store.now.commits.count == 2)
  }

  @Test func aSnapshotHoldsOnlyWhatIsOnDisk() async throws {
    let inventory = try await inventory()
    let tv = entry()
    store.hold()
    async let change: UInt64? = try? inventory.put(tv)
    await eventually("the change waits for the disk") { store.waiting == 1 }
    async let snapshot = try? inventory.snapshot(above: 7)
    await settle()
    store.failWrites(times: 1)
    store.release()
    let answers = await (change, snapshot)
    #expect(answers.0 == nil && store.now.entries.isEmpty)
    #expect(answers.1.map { "\($0)".contains(tv.id.urn) } == false)
    #expect(await inventory.network.revision == store.now.pn?.revision)
  }

  // MARK: Snapshots

  @Test func aSnapshotIsAboveBothRevisions() async throws {
    let inventory = try await inventory()
    try await inventory.put(entry())
    #expect(try await inventory.snapshot(above: 40).first?.revision == 41)
    #expect(try await inventory.snapshot(above: 0).first?.revision == 42)
    #expect(store.now.pn?.revision == 42)
  }
}
