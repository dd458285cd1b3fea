import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import Testing

@testable import GatewayCore

/// The gateway's outbox against a server that the test plays.
@Suite(.timeLimit(.minutes(1))) struct OutboxSenderTests {
  private let bench = Bench()
  private var store: MemoryStore { bench.store }

  private func usage(_ id: UsageID = .random(), body: Int = 8) -> OutboxDraft {
    var report = Cpns_V1_UsageReport()
    report.usageID = id.urn
    report.serviceType = String(repeating: "x", count: body)
    return OutboxDraft(kind: Cpns_V1_Kind.usageReport.rawValue, body: report.bytes, idempotency: .random(), made: Timestamp(milliseconds: 0))
  }
  private func usageID(_ envelope: Cpns_V1_Envelope) throws -> String { try envelope.decoded(as: Cpns_V1_UsageReport.self).usageID }

  /// Takes the change of nothing with which each link begins when nothing about the inventory waits.
  private func greetInventory(_ server: Far) async throws {
    #expect(try await server.takeInventory().decoded(as: Cpns_V1_InventoryChanges.self).entries.isEmpty)
    await eventually("it is acknowledged") { store.outbox.isEmpty }
  }

  // MARK: In order, and gone only when the server has it

  @Test func whatHappensNowGoesBeforeWhatPiledUp() async throws {
    let pile = (0..<200).map { _ in usage() }
    try await store.commit(pile.map(StoreOperation.enqueue))
    let live = usage()
    try await bench.run { _ in
      let server = try await bench.serverLink()
      var first = try await server.next()
      try await store.commit([.enqueue(live)])
      var before = 0
      while Array(first.body) != live.body {
        #expect(first.kind == .usageReport)
        before += 1
        try await server.reply(.ok, to: first)
        first = try await server.next()
      }
      #expect(before <= 64, "one batch at most")
      try await server.reply(.ok, to: first)
      // And nothing of the pile is lost, or sent twice.
      for _ in before..<200 { try await server.reply(.ok, to: try await server.next(.usageReport)) }
      _ = try await server.takeInventory()
      await eventually("all are gone") { store.outbox.isEmpty }
    }
  }

  @Test func aCutBetweenThePileAndWhatIsLiveLosesNeither() async throws {
    let pile = (0..<100).map { _ in usage() }
    try await store.commit(pile.map(StoreOperation.enqueue))
    let live = usage()
    try await bench.run { _ in
      let server = try await bench.serverLink()
      let first = try await server.next()
      try await store.commit([.enqueue(live)])
      try await server.reply(.ok, to: first)
      for _ in 0..<63 { try await server.reply(.ok, to: try await server.next()) }
      // The live one is under way when the link is cut.
      #expect(Array(try await server.next().body) == live.body)
      await server.close()
      await eventually("what was taken is gone") { store.outbox.count == 37 }
      let again = try await bench.nextServerLink()
      var bodies: Set<[UInt8]> = []
      for _ in 0..<37 {
        let request = try await again.next(.usageReport)
        bodies.insert(Array(request.body))
        try await again.reply(.ok, to: request)
      }
      #expect(bodies.count == 37 && bodies.contains(live.body))
    }
  }

  @Test func messagesGoOneAfterTheOtherInTheirOrder() async throws {
    let drafts = (0..<3).map { _ in usage() }
    try await store.commit(drafts.map(StoreOperation.enqueue))
    try await bench.run { _ in
      let server = try await bench.serverLink()
      for draft in drafts {
        let request = try await server.next()
        #expect(request.kind == .usageReport && Array(request.body) == draft.body)
        #expect(Array(request.idempotencyID) == draft.idempotency.bytes)
        #expect(request.pnID == Bench.pn.urn)
        try await server.reply(.ok, to: request)
      }
      await eventually("all are acknowledged") { store.outbox.filter { $0.kind == .usageReport }.isEmpty }
    }
  }

  @Test func whatTheServerHasNotAnsweredStays() async throws {
    try await store.commit([.enqueue(usage()), .enqueue(usage())])
    try await bench.run { _ in
      let server = try await bench.serverLink()
      try await server.reply(.ok, to: await server.next())
      _ = try await server.next()
      await settle()
      await server.close()
      await eventually("the one that was answered is gone") { store.outbox.count == 1 }
    }
  }

  @Test func afterALostLinkTheSameMessageComesWithTheSameIdempotencyID() async throws {
    let draft = usage()
    try await store.commit([.enqueue(draft)])
    try await bench.run { _ in
      let first = try await bench.serverLink()
      let unanswered = try await first.next(.usageReport)
      await first.close()
      let second = try await bench.nextServerLink()
      let again = try await second.next(.usageReport)
      #expect(again.idempotencyID == unanswered.idempotencyID && again.body == unanswered.body)
      try await second.reply(.ok, to: again)
      await eventually("it is acknowledged") { !store.outbox.contains { $0.draft == draft } }
    }
  }

  @Test func whatComesWhileTheLinkStandsGoesAtOnce() async throws {
    try await bench.run { gateway in
      let server = try await bench.serverLink()
      try await greetInventory(server)
      let tv = entry()
      try await gateway.inventory.put(tv)
      let changes: Cpns_V1_InventoryChanges = try await server.takeInventory().decoded()
      #expect(changes.entries.map(\.entityID) == [tv.id.urn])
      await eventually("it is acknowledged") { store.outbox.isEmpty }
    }
  }

  // MARK: A server that will not

  @Test func busyIsTriedAgainOnTheSameLink() async throws {
    try await store.commit([.enqueue(usage())])
    try await bench.run { _ in
      let server = try await bench.serverLink()
      try await bench.timer.passing {
        for _ in 0..<3 { try await server.reply(.busy, "later", to: await server.next(.usageReport)) }
        try await server.reply(.ok, to: await server.next(.usageReport))
      }
      await eventually("it is acknowledged") { store.outbox.filter { $0.kind == .usageReport }.isEmpty }
    }
  }

  @Test func aMessageThatIsRefusedForGoodIsDroppedWithAWarningAndTheNextGoesOn() async throws {
    let (bad, good) = (UsageID.random(), UsageID.random())
    try await store.commit([.enqueue(usage(bad)), .enqueue(usage(good))])
    try await bench.run { gateway in
      let server = try await bench.serverLink()
      try await server.reply(.malformed, "UsageReport.consumer", to: await server.next(.usageReport))
      let next = try await server.next(.usageReport)
      #expect(try usageID(next) == good.urn)
      try await server.reply(.ok, to: next)
      await eventually("both are gone") { store.outbox.filter { $0.kind == .usageReport }.isEmpty }
      #expect(gateway.health.all.contains { $0.code == .outboxMessageRefused && $0.cause.contains("UsageReport.consumer") })
    }
  }

  @Test func aMessageThatNoFrameHoldsDoesNotHoldUpTheOthers() async throws {
    let good = UsageID.random()
    try await store.commit([.enqueue(usage(body: Limits.frame)), .enqueue(usage(good))])
    try await bench.run { gateway in
      let server = try await bench.serverLink()
      let next = try await server.next(.usageReport)
      #expect(try usageID(next) == good.urn)
      try await server.reply(.ok, to: next)
      await eventually("both are gone") { store.outbox.filter { $0.kind == .usageReport }.isEmpty }
      #expect(gateway.health.all.contains { $0.code == .outboxMessageRefused })
    }
  }

  @Test func aRequestThatIsNotAnsweredInTimeIsSentAgainOnTheSameLink() async throws {
    try await store.commit([.enqueue(usage())])
    try await bench.run { _ in
      let server = try await bench.serverLink()
      let first = try await server.next(.usageReport)
      await bench.timer.pass(.seconds(30))
      await bench.timer.pass(.seconds(1))
      let again = try await server.next(.usageReport)
      #expect(again.idempotencyID == first.idempotencyID)
    }
  }

  @Test func aServerThatNeverTakesAMessageIsToldToAPerson() async throws {
    try await store.commit([.enqueue(usage())])
    try await bench.run { gateway in
      let server = try await bench.serverLink()
      try await bench.timer.passing {
        for _ in 1...11 { try await server.reply(.internal, "a fault", to: await server.next(.usageReport)) }
      }
      await eventually("it is on the health board") { gateway.health.all.contains { $0.subject == "waiting" } }
      #expect(store.outbox.contains { $0.kind == .usageReport })
    }
  }

  // MARK: The disk fails

  @Test func anOutboxThatCantBeReadIsReadAgain() async throws {
    try await store.commit([.enqueue(usage())])
    store.failReads()
    try await bench.run { _ in
      let server = try await bench.serverLink()
      await eventually("it waits") { bench.timer.asked.contains(.seconds(1)) }
      store.failReads(nil)
      bench.timer.advance(by: .seconds(1))
      #expect(try await server.next(.usageReport).kind == .usageReport)
    }
  }

  @Test func aSnapshotThatTheDiskRefusedIsNotForgotten() async throws {
    try await bench.run { gateway in
      let server = try await bench.serverLink()
      try await greetInventory(server)
      try await gateway.inventory.put(entry())
      let changes = try await server.next(.inventoryChanges)
      store.failWrites()
      var answer = Cpns_V1_InventoryResult()
      answer.needsSnapshot = true
      try await server.reply(.inventoryResult, answer, to: changes)
      await eventually("it waits") { bench.timer.asked.contains(.seconds(1)) }
      store.failWrites(nil)
      bench.timer.advance(by: .seconds(1))
      try await server.reply(.inventoryResult, answer, to: await server.next(.inventoryChanges))
      #expect(try await server.takeInventory().kind == .inventorySnapshot)
      await eventually("all is acknowledged") { store.outbox.isEmpty }
    }
  }

  // MARK: The whole inventory

  @Test func aServerThatAsksForTheWholeGetsItAboveItsRevision() async throws {
    let tv = entry()
    try await bench.run { gateway in
      try await gateway.inventory.put(tv)
      let server = try await bench.serverLink()
      let changes = try await server.next(.inventoryChanges)
      var answer = Cpns_V1_InventoryResult()
      answer.revision = 40
      answer.needsSnapshot = true
      try await server.reply(.inventoryResult, answer, to: changes)
      let snapshot: Cpns_V1_InventorySnapshot = try await server.takeInventory().decoded()
      #expect(snapshot.revision == 41 && snapshot.entries.map(\.entityID) == [tv.id.urn] && snapshot.pnID == Bench.pn.urn)
      await eventually("the change is acknowledged") { store.outbox.isEmpty }
      #expect(store.now.pn?.revision == 41)
    }
  }

  @Test func aServerThatWasRestoredFromABackupIsFoundOutAtTheNextLink() async throws {
    let tv = entry()
    let bench = Bench(entries: [tv])
    bench.store.set { $0.pn?.revision = 7 }
    try await bench.run { _ in
      let server = try await bench.serverLink()
      let check = try await server.next()
      let changes: Cpns_V1_InventoryChanges = try check.decoded()
      #expect([changes.baseRevision, changes.revision] == [7, 8] && changes.entries.isEmpty)
      var answer = Cpns_V1_InventoryResult()
      answer.revision = 3
      answer.needsSnapshot = true
      try await server.reply(.inventoryResult, answer, to: check)
      let snapshot: Cpns_V1_InventorySnapshot = try await server.takeInventory().decoded()
      #expect(snapshot.revision == 9 && snapshot.entries.map(\.entityID) == [tv.id.urn])
    }
  }

  @Test func aGatewayThatWasRestoredFromABackupTellsItAll() async throws {
    let tv = entry()
    let bench = Bench(entries: [tv])
    bench.store.set { $0.pn?.revision = 3 }
    try await bench.run { _ in
      let server = try await bench.serverLink()
      var answer = Cpns_V1_InventoryResult()
      // "Seen already", because the server is far ahead.
      answer.revision = 7
      try await server.reply(.inventoryResult, answer, to: await server.next(.inventoryChanges))
      #expect(try await server.takeInventory().decoded(as: Cpns_V1_InventorySnapshot.self).revision == 8)
    }
  }

  @Test func anInventoryLargerThanAFrameGoesInSeveralMessages() async throws {
    let types = (0..<400).map { "http-get:*:video/x-\($0):DLNA.ORG_PN=PROFILE_\($0);DLNA.ORG_OP=01;DLNA.ORG_FLAGS=01700000000000000000000000000000" }
    let devices = (0..<40).map { number in
      var device = entry(.random(), "TV \(number)", kind: .virtualPNE)
      device.capabilities.sinkProtocolInfo = types
      return device
    }
    let bench = Bench(entries: devices)
    try await bench.run { _ in
      let server = try await bench.serverLink()
      var answer = Cpns_V1_InventoryResult()
      answer.needsSnapshot = true
      try await server.reply(.inventoryResult, answer, to: await server.next(.inventoryChanges))
      var named = Set<String>()
      var revision: UInt64 = 0
      while named.count < devices.count {
        let message = try await server.takeInventory()
        #expect(message.body.count < Limits.frame)
        if message.kind == .inventorySnapshot {
          let snapshot: Cpns_V1_InventorySnapshot = try message.decoded()
          named.formUnion(snapshot.entries.map(\.entityID))
          revision = snapshot.revision
        } else {
          let changes: Cpns_V1_InventoryChanges = try message.decoded()
          #expect(changes.baseRevision == revision)
          named.formUnion(changes.entries.map(\.entityID))
          revision = changes.revision
        }
      }
      #expect(named == Set(devices.map(\.id.urn)))
      await eventually("all is acknowledged") { bench.store.outbox.isEmpty && bench.store.now.pn?.revision == revision }
    }
  }

  @Test func anOutageOfWeeksDoesNotFillTheDisk() async throws {
    let tv = entry()
    try await bench.run { gateway in
      bench.connector.refuse(.unreachable("cut"))
      try await gateway.inventory.put(tv)
      for number in 0..<2_000 { try await gateway.inventory.setAvailability(tv.id, number % 2 == 0 ? .offline : .online, reason: "\(number)") }
      #expect(store.outbox.count <= PNInventory.maximumUntold)
      bench.connector.refuse(nil)
      let server = try await bench.nextServerLink()
      var last = Cpns_V1_Kind.unspecified
      while last != .inventorySnapshot { last = try await server.takeInventory().kind }
      await eventually("all is told") { store.outbox.isEmpty }
      #expect(store.now.pn?.revision == 2_002)
    }
  }

  @Test func messagesForOneServerAreNotGivenToAnother() async throws {
    try await bench.run { gateway in
      let old = try await bench.serverLink()
      try await greetInventory(old)
      try await gateway.inventory.enrol(pn: .random(), server: "new:7420", serverID: .random())
      await settle()
      #expect(store.outbox.contains { $0.kind == .inventorySnapshot })
      await old.close()
    }
  }
}
