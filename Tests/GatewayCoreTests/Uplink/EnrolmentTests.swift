import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession
import Foundation
import Synchronization
import Testing

@testable import GatewayCore

@Suite(.timeLimit(.minutes(1))) struct EnrolmentTests {
  private let bench = Bench(isEnrolled: false)
  private let code = ClaimCode(secret: [UInt8](repeating: 1, count: 16), fingerprint: [UInt8](repeating: 2, count: 16))

  private func answer(_ pn: PNID) -> Cpns_V1_Enrolment {
    var answer = Cpns_V1_Enrolment()
    answer.certificateChain = [Data([1])]
    answer.trustAnchor = Data([2])
    answer.serverID = bench.server.urn
    answer.pnID = pn.urn
    return answer
  }

  /// The server that was asked, with the request.
  private func asked() async throws -> (Far, Cpns_V1_Envelope) {
    let server = try await bench.serverLink()
    return (server, try await server.next(.enrolmentRequest))
  }

  @Test func aClaimBringsACertificateAndAPersonalNetwork() async throws {
    let gateway = try await bench.prepare()
    let pn = PNID.random()
    async let enrolled = gateway.enrolment.run(code: code.text, server: "server:7420")
    let (server, envelope) = try await asked()
    let request: Cpns_V1_EnrolmentRequest = try envelope.decoded()
    #expect(Array(request.claim) == code.secret && request.entityID == gateway.id.urn && Array(request.certificateRequest) == [1, 2, 3])
    try await server.reply(.enrolment, answer(pn), to: envelope)
    #expect(try await enrolled == pn)
    #expect(bench.connector.attempts == [FakeConnector.Attempt(server: "server:7420", trust: .claim(fingerprint: code.fingerprint))])
    #expect(bench.credentials.installed.withLock { $0 } == 1)
    #expect(bench.store.now.pn?.serverID == bench.server && bench.store.now.pn?.id == pn)
    #expect(bench.store.outbox.first?.snapshot?.pnID == pn.urn)
  }

  @Test func whoeverLostTheAnswerAsksAgainAsTheSame() async throws {
    let gateway = try await bench.prepare()
    async let first = try? gateway.enrolment.run(code: code.text, server: "server:7420")
    let (server, lost) = try await asked()
    await server.close()
    #expect(await first == nil)
    // Also after a restart.
    let again = try await bench.prepare()
    async let second = try? again.enrolment.run(code: code.text, server: "server:7420")
    let (back, repeated) = try await asked()
    #expect(!lost.idempotencyID.isEmpty && repeated.idempotencyID == lost.idempotencyID)
    #expect(Array(lost.idempotencyID) != code.secret)
    try await back.reply(.enrolment, answer(.random()), to: repeated)
    #expect(await second != nil)
  }

  @Test func aSpentClaimIsToldInTheServersWords() async throws {
    let gateway = try await bench.prepare()
    async let enrolled = #expect(throws: Enrolment.Failure.refused("this claim was used")) {
      try await gateway.enrolment.run(code: code.text, server: "server:7420")
    }
    let (server, request) = try await asked()
    try await server.reply(.refused, "this claim was used", to: request)
    _ = await enrolled
    #expect(bench.store.now.pn?.serverID == nil)
  }

  @Test func aCodeThatIsNoneIsExplainedBeforeAnybodyIsAsked() async throws {
    let gateway = try await bench.prepare()
    await #expect(throws: Enrolment.Failure.self) { try await gateway.enrolment.run(code: "ABC", server: "server:7420") }
    #expect(bench.connector.attempts.isEmpty)
  }

  @Test func anEnrolmentThatIsNotOnDiskIsNone() async throws {
    let gateway = try await bench.prepare()
    async let enrolled = #expect(throws: Enrolment.Failure.self) { try await gateway.enrolment.run(code: code.text, server: "server:7420") }
    let (server, request) = try await asked()
    bench.store.failWrites()
    try await server.reply(.enrolment, answer(.random()), to: request)
    _ = await enrolled
    #expect(await gateway.inventory.network.serverID == nil)
  }
}
