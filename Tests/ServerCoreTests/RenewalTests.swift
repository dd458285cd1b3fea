import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import ServerCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct RenewalTests {
  private func request(_ entity: EntityID, key: UInt8 = 9) -> Cpns_V1_RenewalRequest {
    var request = Cpns_V1_RenewalRequest()
    request.certificateRequest = Data([1, 2, key])
    request.entityID = entity.urn
    return request
  }

  private func ask(
    _ bench: Bench, _ request: Cpns_V1_RenewalRequest, as entity: EntityID, _ credential: LinkPeer.Credential? = nil, address: String = "192.0.2.1:1"
  ) async throws -> Result<Cpns_V1_Enrolment, SessionError> {
    let result = Shared<Result<Cpns_V1_Enrolment, SessionError>>(.failure(.timedOut))
    try await bench.link(as: entity, credential, address: address) { (session: Session) async throws in
      do throws(SessionError) {
        let answer = try await session.request(.renewalRequest, request.bytes)
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

  @Test func aGatewayGetsAnotherCertificateForItsKey() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway()
      let answer = try await ask(bench, request(gateway.id), as: gateway.id).get()
      #expect(answer.certificateChain == [Data([1, 2, 9, 1])] && answer.trustAnchor == Data([0xA0]))
      #expect(answer.serverID == server.id.urn && answer.pnID == gateway.pn.urn)
    }
  }

  @Test func aGatewayWhoseCertificateHasRunOutGetsOneOnALinkWithout() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway()
      let answer = try await ask(bench, request(gateway.id), as: gateway.id, LinkPeer.Credential.none).get()
      #expect(answer.pnID == gateway.pn.urn)
      #expect(try await server.gateways(ListPage(limit: 9)).items.count == 1)
    }
  }

  @Test func anotherKeyGetsNothingOnEitherLink() async throws {
    try await Bench.run { (bench: Bench, _: Server) async throws in
      let gateway = try await bench.gateway()
      #expect(code(try await ask(bench, request(gateway.id, key: 8), as: gateway.id)) == .refused)
      #expect(code(try await ask(bench, request(gateway.id, key: 8), as: gateway.id, LinkPeer.Credential.none)) == .refused)
    }
  }

  @Test func whoNeverEnrolledGetsNothing() async throws {
    try await Bench.run { (bench: Bench, _: Server) async throws in
      let stranger = EntityID.random()
      #expect(code(try await ask(bench, request(stranger), as: stranger, LinkPeer.Credential.none)) == .refused)
    }
  }

  @Test func nobodyAsksForAnother() async throws {
    try await Bench.run { (bench: Bench, _: Server) async throws in
      let (own, other) = (try await bench.gateway(), try await bench.gateway(7))
      #expect(code(try await ask(bench, request(other.id, key: 7), as: own.id)) == .malformed)
      #expect(code(try await ask(bench, request(other.id, key: 7), as: own.id, LinkPeer.Credential.none)) == .malformed)
    }
  }

  @Test func whatIsNoRequestIsMalformed() async throws {
    try await Bench.run { (bench: Bench, _: Server) async throws in
      let gateway = try await bench.gateway()
      #expect(code(try await ask(bench, request(gateway.id, key: 0), as: gateway.id)) == .malformed)
      var long = request(gateway.id)
      long.certificateRequest = Data(count: ServerBounds.certificateRequest + 1)
      #expect(code(try await ask(bench, long, as: gateway.id, LinkPeer.Credential.none)) == .malformed)
      long.certificateRequest = Data()
      #expect(code(try await ask(bench, long, as: gateway.id, LinkPeer.Credential.none)) == .malformed)
    }
  }

  @Test func whoGuessesHasToWaitAndNobodyElse() async throws {
    try await Bench.run { (bench: Bench, _: Server) async throws in
      let gateway = try await bench.gateway()
      for port in 1...5 {
        #expect(code(try await ask(bench, request(gateway.id, key: 8), as: gateway.id, LinkPeer.Credential.none, address: "192.0.2.1:\(port)")) == .refused)
      }
      #expect(code(try await ask(bench, request(gateway.id), as: gateway.id, LinkPeer.Credential.none, address: "192.0.2.1:9")) == .busy)
      #expect(code(try await ask(bench, request(gateway.id), as: gateway.id, LinkPeer.Credential.none, address: "192.0.2.2:9")) == .ok)
    }
  }
}
