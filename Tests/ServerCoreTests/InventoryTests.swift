import CPNSMessages
import CPNSModel
import CPNSSession
import ServerCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct InventoryTests {
  private func changes(_ pn: PNID, _ base: UInt64, _ revision: UInt64, _ entries: [Cpns_V1_InventoryEntry]) -> [UInt8] {
    var changes = Cpns_V1_InventoryChanges()
    changes.pnID = pn.urn
    changes.baseRevision = base
    changes.revision = revision
    changes.entries = entries
    return changes.bytes
  }

  private func snapshot(_ pn: PNID, _ revision: UInt64, _ entries: [InventoryEntry], name: String = "Miller") -> [UInt8] {
    var snapshot = Cpns_V1_InventorySnapshot()
    snapshot.pnID = pn.urn
    snapshot.revision = revision
    snapshot.name = name
    snapshot.entries = entries.map(Cpns_V1_InventoryEntry.init)
    return snapshot.bytes
  }

  /// The revision that the server says it has, and whether it wants everything.
  private func result(_ session: Session, _ kind: Cpns_V1_Kind, _ body: [UInt8]) async throws -> (UInt64, Bool) {
    let result = try await session.request(kind, body, idempotency: .random()).decoded(as: Cpns_V1_InventoryResult.self)
    return (result.revision, result.needsSnapshot)
  }

  @Test func changesBuildOnEachOther() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway(), pn = gateway.pn
      let tv = try await bench.device("TV"), phone = try await bench.device("Phone")
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        #expect(try await result(session, .inventorySnapshot, snapshot(pn, 3, [tv])) == (3, false))
        #expect(try await result(session, .inventoryChanges, changes(pn, 3, 4, [Cpns_V1_InventoryEntry(phone)])) == (4, false))
        #expect(try await server.network(pn).entries == [tv, phone])
        #expect(try await server.services(matching: "phone", ListPage(limit: 9)).items.map(\.description) == phone.services)
        #expect(try await result(session, .inventoryChanges, changes(pn, 4, 5, [Cpns_V1_InventoryEntry(removing: tv.id)])) == (5, false))
        #expect(try await server.network(pn).entries == [phone])
      }
      #expect(try await server.networks(ListPage(limit: 9)).items.map(\.record.name) == ["Miller"])
    }
  }

  @Test func whatWasSeenBeforeIsAnsweredTheSameAndChangesNothing() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway(), pn = gateway.pn, tv = try await bench.device()
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        #expect(try await result(session, .inventorySnapshot, snapshot(pn, 1, [tv])) == (1, false))
        #expect(try await result(session, .inventorySnapshot, snapshot(pn, 1, [])) == (1, false))
        #expect(try await result(session, .inventoryChanges, changes(pn, 1, 2, [])) == (2, false))
        #expect(try await result(session, .inventoryChanges, changes(pn, 0, 1, [Cpns_V1_InventoryEntry(removing: tv.id)])) == (2, false))
        #expect(try await server.network(pn).entries == [tv])
      }
    }
  }

  @Test func aGapAsksForASnapshotWithAHigherRevision() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway(), pn = gateway.pn, tv = try await bench.device()
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        #expect(try await result(session, .inventoryChanges, changes(pn, 1, 2, [Cpns_V1_InventoryEntry(tv)])) == (0, true))
        #expect(try await result(session, .inventorySnapshot, snapshot(pn, 7, [tv])) == (7, false))
        #expect(try await result(session, .inventorySnapshot, snapshot(pn, 6, [])) == (7, true))
        #expect(try await server.network(pn).entries == [tv])
      }
    }
  }

  @Test func aSnapshotReplacesWhatWasThere() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway(), pn = gateway.pn
      let tv = try await bench.device("TV"), phone = try await bench.device("Phone")
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        _ = try await result(session, .inventorySnapshot, snapshot(pn, 1, [tv]))
        _ = try await result(session, .inventorySnapshot, snapshot(pn, 2, [phone]))
      }
      #expect(try await server.network(pn).entries == [phone])
      await #expect(throws: ServerFailure.notFound("PNE \(tv.id)")) { try await server.entry(tv.id) }
    }
  }

  @Test func aNameGivenWithTheClaimStays() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway()
      try await bench.store.commit([.putNetwork(NetworkRecord(id: gateway.pn, name: "Given", isNamedHere: true, revision: 0, gateway: gateway.id))])
      try await bench.link(as: gateway.id) { _ = try await result($0, .inventorySnapshot, snapshot(gateway.pn, 1, [])) }
      #expect(try await server.network(gateway.pn).network.record.name == "Given")
    }
  }

  @Test func theInventoryOfAnotherPNIsNoneOfItsBusiness() async throws {
    try await Bench.run { (bench: Bench, _: Server) async throws in
      let gateway = try await bench.gateway(1), other = try await bench.gateway(2)
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        #expect(try await session.code(.inventorySnapshot, snapshot(other.pn, 1, [])) == .forbidden)
        #expect(try await session.code(.inventoryChanges, changes(other.pn, 0, 1, [])) == .forbidden)
      }
    }
  }

  @Test func boundsHold() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway(), pn = gateway.pn
      var many: [InventoryEntry] = []
      for number in 0..<Limits.devices { many.append(try await bench.device("D\(number)")) }
      let all = many, one = try await bench.device("one more")
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        #expect(try await session.code(.inventorySnapshot, snapshot(pn, 1, all + [one])) == .tooLarge)
        #expect(try await result(session, .inventorySnapshot, snapshot(pn, 1, all)) == (1, false))
        #expect(try await session.code(.inventoryChanges, changes(pn, 1, 2, [Cpns_V1_InventoryEntry(one)])) == .tooLarge)
        #expect(try await session.code(.inventoryChanges, changes(pn, 1, 1, [])) == .malformed)
        #expect(try await session.code(.inventoryChanges, changes(pn, 1, .max, [])) == .malformed)
        #expect(try await session.code(.inventoryChanges, changes(pn, 1, 2, [Cpns_V1_InventoryEntry()])) == .malformed)
        #expect(try await result(session, .inventoryChanges, changes(pn, 1, 2, [Cpns_V1_InventoryEntry(removing: all[0].id), Cpns_V1_InventoryEntry(one)])) == (2, false))
      }
      #expect(try await server.network(pn).entries.count == Limits.devices)
    }
  }

  @Test func aDiskThatCantBeWrittenIsBusyAndNothingIsAcknowledged() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway()
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        bench.store.fail(true)
        #expect(try await session.code(.inventorySnapshot, snapshot(gateway.pn, 1, [])) == .busy)
        bench.store.fail(false)
        #expect(try await result(session, .inventorySnapshot, snapshot(gateway.pn, 1, [])) == (1, false))
      }
    }
  }

  @Test func aDeviceThatTwoGatewaysSeeIsWhereItIsOnline() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let home = try await bench.gateway(1), office = try await bench.gateway(2)
      let phone = try await bench.device("Phone", in: home.pn)
      try await bench.store.commit([.putEntry(phone, office.pn)])
      try await bench.link(as: home.id) { (_: Session) async throws in
        try await bench.until("at home") { try await server.entry(phone.id).pn == home.pn }
      }
      try await bench.link(as: office.id) { (_: Session) async throws in
        try await bench.until("in the office") { try await server.entry(phone.id).pn == office.pn }
      }
    }
  }
}
