import CPNSModel
import Dispatch
import Foundation
import SQLiteStore
import ServerCore
import Testing

@Suite(.serialized) struct ServerStoreTests {
  let folder: Folder
  init() throws { folder = try Folder() }

  private func open(_ name: String = "cpnsd.db", durability: Durability = .full, opening: Opening = .alone) throws -> SQLiteServerStore {
    try SQLiteServerStore(path: folder.file(name), durability: durability, opening: opening)
  }
  private var contract: ServerStoreContract { get throws { ServerStoreContract(store: try open()) } }

  // MARK: The contract

  @Test func claimsAreSpentOnce() async throws { try await contract.claimsAreSpentOnce() }
  @Test func aConditionThatDoesNotHoldChangesNothing() async throws { try await contract.aConditionThatDoesNotHoldChangesNothing() }
  @Test func entriesAndTheirServicesFollowTheInventory() async throws { try await contract.entriesAndTheirServicesFollowTheInventory() }
  @Test func applicationsServicesAreApartFromThoseOfPNEs() async throws { try await contract.applicationsServicesAreApartFromThoseOfPNEs() }
  @Test func deliveriesEndOnce() async throws { try await contract.deliveriesEndOnce() }
  @Test func overdueDeliveriesAreFound() async throws { try await contract.overdueDeliveriesAreFound() }
  @Test func usageCountsOnce() async throws { try await contract.usageCountsOnce() }
  @Test func listsComeInPages() async throws { try await contract.listsComeInPages() }

  // MARK: What is SQLite's

  @Test func everythingIsThereAfterARestart() async throws {
    let first = try open(), samples = ServerStoreContract(store: first)
    let gateway = samples.gateway(), network = samples.network(of: gateway), entry = samples.entry(), content = samples.content(), usage = samples.usage()
    let delivery = samples.delivery(content, network.id)
    let identity = try await first.identity()
    try await first.commit([
      .putGateway(gateway), .putNetwork(network), .putEntry(entry, network.id), .putContent(content), .putDelivery(delivery),
      .putUsage(usage, gateway: gateway.id, pn: network.id, received: samples.now),
    ])
    await first.close()
    let second = try open()
    #expect(try await second.identity() == identity)
    #expect(try await second.gateways(ListPage(limit: 9)).items == [gateway])
    #expect(try await second.networks(ListPage(limit: 9)).items == [network])
    #expect(try await second.entries(of: network.id) == [entry])
    #expect(try await second.contents(ListPage(limit: 9)).items == [content])
    #expect(try await second.unanswered(of: network.id, ListPage(limit: 9)).items == [delivery])
    #expect(try await second.usage(ListPage(limit: 9)).items.map(\.usage) == [usage])
  }

  @Test func aClaimMadeBesideARunningServerIsSeenByIt() async throws {
    let server = try open()
    let command = try open(opening: .besideOwner)
    try await command.commit([.putClaim(ClaimRecord(hash: [1], pnName: nil, made: Timestamp(milliseconds: 1)))])
    await command.close()
    #expect(try await server.claim([1]) != nil)
    #expect { try open() } throws: { if case .unavailable = $0 as? ServerStoreError { true } else { false } }
  }

  @Test func aRowThatCantBeReadIsToldAndNotLeftOut() async throws {
    let store = try open(), content = ServerStoreContract(store: store).content()
    try await store.commit([.putContent(content)])
    try await store.database.write { (connection) throws(SQLiteError) in _ = try connection.execute("UPDATE content SET value = '{}'") }
    await #expect { try await store.contents(ListPage(limit: 9)) } throws: {
      if case .damaged(let text) = $0 as? ServerStoreError { text.contains("content.value") } else { false }
    }
  }

  // MARK: Kills

  /// What a kill left of what was acknowledged.
  private func lost(_ name: String) async throws -> (acknowledged: Int, lost: Int) {
    let store = try open(name)
    var acknowledged = 0, lost = 0
    for line in try String(contentsOfFile: folder.file(name) + ".acknowledged", encoding: .utf8).split(separator: "\n") {
      acknowledged += 1
      let words = line.split(separator: " ")
      switch words[0] {
      case "u": if try await store.sequence(of: #require(UsageID(urn: words[1]))) == nil { lost += 1 }
      case "d": if try await store.delivery(#require(DeliveryID(urn: words[1]))) == nil { lost += 1 }
      default: if try await store.delivery(#require(DeliveryID(urn: words[1])))?.outcome == nil { lost += 1 }
      }
    }
    await store.close()
    return (acknowledged, lost)
  }

  @Test func nothingAcknowledgedIsLostByAKillAtAnyMoment() async throws {
    var acknowledged = 0
    for round in 0..<15 {
      let path = folder.file("full-\(round)")
      await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in try await serveUntilKilled(path, durability: .full) }
      let remains = try await lost("full-\(round)")
      #expect(remains.lost == 0, "round \(round)")
      acknowledged += remains.acknowledged
    }
    #expect(acknowledged > 150)
  }

  @Test func theControlIsCaught() async throws {
    var lost = 0
    for round in 0..<4 {
      let path = folder.file("unsafe-\(round)")
      await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in try await serveUntilKilled(path, durability: .unsafeForTesting) }
      lost += try await self.lost("unsafe-\(round)").lost
    }
    #expect(lost > 0)
  }
}

/// Eight writers, each with one delivery after the other: made, ended, its usage counted; each noted when it was acknowledged.
private func serveUntilKilled(_ path: String, durability: Durability) async throws {
  let store = try SQLiteServerStore(path: path, durability: durability)
  let acknowledged = open(path + ".acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
  let note: @Sendable (String) -> Void = { line in _ = line.withCString { Glibc.write(acknowledged, $0, strlen($0)) } }
  DispatchQueue(label: "killer").asyncAfter(deadline: .now() + .microseconds(.random(in: 1_000...(durability == .full ? 150_000 : 1_000_000)))) {
    kill(getpid(), SIGKILL)
  }
  await withThrowingTaskGroup(of: Void.self) { group in
    for _ in 0..<8 {
      group.addTask {
        let samples = ServerStoreContract(store: store)
        let content = samples.content(), pn = PNID.random()
        try await store.commit([.putContent(content)])
        while true {
          let delivery = samples.delivery(content, pn), usage = samples.usage()
          try await store.commit([.require(.contentExists(content.description.id)), .putDelivery(delivery)])
          note("d \(delivery.order.id)\n")
          try await store.commit([.end(DeliveryOutcome(delivery: delivery.order.id, state: .delivered, bytes: 1), at: samples.now)])
          note("e \(delivery.order.id)\n")
          try await store.commit([.putUsage(usage, gateway: .random(), pn: pn, received: samples.now)])
          note("u \(usage.id)\n")
        }
      }
    }
  }
}
