import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import ServerCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct EnrolmentTests {
  private let entity = EntityID.random()

  private func enrol(
    _ bench: Bench, _ request: Cpns_V1_EnrolmentRequest, as entity: EntityID, _ idempotency: IdempotencyID = .random(), address: String = "192.0.2.1:1"
  ) async throws -> Result<Cpns_V1_Enrolment, SessionError> {
    let result = Shared<Result<Cpns_V1_Enrolment, SessionError>>(.failure(.timedOut))
    try await bench.link(as: entity, LinkPeer.Credential.none, address: address) { (session: Session) async throws in
      do throws(SessionError) {
        let answer = try await session.request(.enrolmentRequest, request.bytes, idempotency: idempotency)
        if let enrolment = try? answer.decoded(as: Cpns_V1_Enrolment.self) { result.value = .success(enrolment) }
      } catch { result.value = .failure(error) }
    }
    return result.value
  }

  private func code(_ result: Result<Cpns_V1_Enrolment, SessionError>) -> Cpns_V1_Code {
    switch result {
    case .success: .ok
    case .failure(.refused(let code, _)): code
    case .failure: .unspecified
    }
  }

  @Test func aStrangerWithAClaimBecomesAGateway() async throws {
    try await Bench.run { [entity] (bench: Bench, server: Server) async throws in
      let claim = try await bench.claim(pn: "Miller")
      let answer = try await enrol(bench, bench.request(claim, for: entity), as: entity).get()
      #expect(answer.serverID == server.id.urn)
      #expect(answer.certificateChain == [Data([1, 2, 9, 1])] && answer.trustAnchor == Data([0xA0]))
      let networks = try await server.networks(ListPage(limit: 9)).items
      #expect(networks.map(\.record.name) == ["Miller"] && networks.map(\.record.id.urn) == [answer.pnID])
      try await bench.link(as: entity) { (_: Session) async throws in
        try await bench.until("online") { try await server.gateways(ListPage(limit: 9)).items.map(\.isOnline) == [true] }
      }
      try await bench.until("offline") { try await server.gateways(ListPage(limit: 9)).items.map(\.isOnline) == [false] }
    }
  }

  @Test func theSameRequestGetsTheSameAnswerAndAnyOtherIsRefused() async throws {
    try await Bench.run { [entity] (bench: Bench, server: Server) async throws in
      let request = bench.request(try await bench.claim(), for: entity), idempotency = IdempotencyID.random()
      let first = try await enrol(bench, request, as: entity, idempotency).get()
      #expect(try await enrol(bench, request, as: entity, idempotency).get() == first)
      #expect(code(try await enrol(bench, request, as: entity)) == .refused)
      let other = EntityID.random()
      #expect(code(try await enrol(bench, bench.request(Array(request.claim), for: other), as: other, idempotency)) == .refused)
      #expect(try await server.gateways(ListPage(limit: 9)).items.count == 1)
    }
  }

  @Test func whoGuessesClaimsHasToWaitAndNobodyElse() async throws {
    try await Bench.run { [entity] (bench: Bench, _: Server) async throws in
      let claim = try await bench.claim(1)
      let wrong = bench.request([UInt8](repeating: 2, count: 16), for: entity)
      for port in 1...5 { #expect(code(try await enrol(bench, wrong, as: entity, address: "192.0.2.1:\(port)")) == .refused) }
      #expect(code(try await enrol(bench, bench.request(claim, for: entity), as: entity, address: "192.0.2.1:9")) == .busy)
      #expect(code(try await enrol(bench, bench.request(claim, for: entity), as: entity, address: "192.0.2.2:9")) == .ok)
      bench.wall.value += 60_000
      #expect(code(try await enrol(bench, wrong, as: entity, address: "192.0.2.1:9")) == .refused)
    }
  }

  @Test func aClaimThatIsTooOldIsWorthNothing() async throws {
    try await Bench.run { [entity] (bench: Bench, _: Server) async throws in
      let claim = try await bench.claim()
      bench.wall.value += ServerBounds.claimDays * 86_400_000
      #expect(code(try await enrol(bench, bench.request(claim, for: entity), as: entity)) == .refused)
    }
  }

  @Test func aGatewayThatEnrolsAgainKeepsItsPNAndBeginsItsInventoryAnew() async throws {
    try await Bench.run { [entity] (bench: Bench, server: Server) async throws in
      let first = try await enrol(bench, bench.request(try await bench.claim(1), for: entity), as: entity).get()
      let pn = try #require(PNID(urn: first.pnID))
      var network = try #require(try await bench.store.network(pn))
      network.revision = 57
      try await bench.store.commit([.putNetwork(network)])
      #expect(try await enrol(bench, bench.request(try await bench.claim(2), for: entity), as: entity).get().pnID == first.pnID)
      #expect(try await bench.store.network(pn)?.revision == 0)
    }
  }

  @Test func anotherKeyUnderAKnownIdIsRefusedAndTheClaimStaysGood() async throws {
    try await Bench.run { [entity] (bench: Bench, _: Server) async throws in
      _ = try await enrol(bench, bench.request(try await bench.claim(1), for: entity), as: entity).get()
      let claim = try await bench.claim(2)
      #expect(code(try await enrol(bench, bench.request(claim, for: entity, key: 8), as: entity)) == .conflict)
      let other = EntityID.random()
      #expect(code(try await enrol(bench, bench.request(claim, for: other, key: 8), as: other)) == .ok)
    }
  }

  @Test func twoAtOnceSpendAClaimOnce() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let claim = try await bench.claim()
      let codes = try await withThrowingTaskGroup(of: Cpns_V1_Code.self) { group in
        for _ in 0..<4 {
          group.addTask {
            let entity = EntityID.random()
            return code(try await enrol(bench, bench.request(claim, for: entity), as: entity))
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(codes.count { $0 == .ok } == 1 && codes.count { $0 == .refused } == 3)
      #expect(try await server.gateways(ListPage(limit: 9)).items.count == 1)
    }
  }

  @Test func wrongFieldsAreMalformedAndSpendNothing() async throws {
    try await Bench.run { [entity] (bench: Bench, _: Server) async throws in
      let good = bench.request(try await bench.claim(), for: entity)
      let spoilt: [(inout Cpns_V1_EnrolmentRequest) -> Void] = [
        { $0.claim = Data([1]) }, { $0.certificateRequest = Data() }, { $0.certificateRequest = Data(count: 9_000) },
        { $0.entityID = EntityID.random().urn }, { $0.name = "" }, { $0.name = "a\nb" }, { $0.certificateRequest = Data([0]) },
      ]
      for spoil in spoilt {
        var request = good
        spoil(&request)
        #expect(code(try await enrol(bench, request, as: entity)) == .malformed)
      }
      #expect(code(try await enrol(bench, good, as: entity)) == .ok)
    }
  }

  @Test func aDiskThatCantBeWrittenIsBusyAndSpendsNothing() async throws {
    try await Bench.run { [entity] (bench: Bench, _: Server) async throws in
      let request = bench.request(try await bench.claim(), for: entity)
      bench.store.fail(true)
      #expect(code(try await enrol(bench, request, as: entity)) == .busy)
      bench.store.fail(false)
      #expect(code(try await enrol(bench, request, as: entity)) == .ok)
    }
  }

  // MARK: Who may say what

  @Test func aStrangerMaySendNothingElse() async throws {
    try await Bench.run { [entity] (bench: Bench, _: Server) async throws in
      try await bench.link(as: entity, LinkPeer.Credential.none) { (session: Session) async throws in
        for kind in [Cpns_V1_Kind.inventoryChanges, .inventorySnapshot, .deliveryResult, .usageReport, .contentOpen, .registration] {
          #expect(try await session.code(kind, []) == .forbidden)
        }
      }
    }
  }

  @Test func aGatewayMayNotEnrolOverItsOwnLinkNorSendWhatIsNotItsBusiness() async throws {
    try await Bench.run { (bench: Bench, _: Server) async throws in
      let gateway = try await bench.gateway()
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        #expect(try await session.code(.enrolmentRequest, []) == .forbidden)
        #expect(try await session.code(.registration, []) == .forbidden)
        #expect(try await session.code(.deliveryOffer, []) == .forbidden)
        #expect(try await session.code(.inventoryChanges, [0xFF]) == .malformed)
      }
    }
  }

  @Test func anUnknownGatewayAndAnotherNameThanTheCertificatesAreRefused() async throws {
    try await Bench.run { [entity] (bench: Bench, _: Server) async throws in
      let gateway = try await bench.gateway()
      for (name, credential) in [(entity, LinkPeer.Credential.certificate(entity)), (entity, .certificate(gateway.id)), (entity, .preSharedKey(identity: "pair"))] {
        let outcome = try await bench.link(as: name, credential) { (session: Session) async throws in
          while (try? await session.request(.keepAlive, [])) != nil { await Task.yield() }
        }
        #expect({ if case .refused(.unauthenticated, _) = outcome { true } else { false } }(), "\(String(describing: outcome))")
      }
    }
  }

  @Test func strangersArePutOutWhenTheirTimeIsOver() async throws {
    try await Bench.run { [entity] (bench: Bench, _: Server) async throws in
      try await bench.link(as: entity, LinkPeer.Credential.none) { (session: Session) async throws in
        try await bench.until("the server waits") { bench.timer.hasSleeper(for: .seconds(60)) }
        bench.timer.advance(by: .seconds(60))
        await #expect(throws: SessionError.self) { try await session.request(.keepAlive, []) }
      }
    }
  }
}
