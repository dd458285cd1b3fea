import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import Synchronization
import Testing

@testable import GatewayCore

@Suite(.timeLimit(.minutes(1))) struct CertificateCareTests {
  private let bench = Bench()
  private static let day: Int64 = 86_400_000

  /// A certificate of 90 days, of which so many are left.
  private func holds(_ days: Int64) -> CertificateTimes {
    let now = bench.wall.clock.now().milliseconds
    return CertificateTimes(begin: Timestamp(milliseconds: now + (days - 90) * Self.day), end: Timestamp(milliseconds: now + days * Self.day))
  }

  private func answer(_ server: EntityID) -> Cpns_V1_Enrolment {
    var answer = Cpns_V1_Enrolment()
    answer.certificateChain = [Data([1])]
    answer.trustAnchor = Data([2])
    answer.serverID = server.urn
    answer.pnID = Bench.pn.urn
    return answer
  }

  private func codes(_ gateway: Gateway) -> [HealthWarning.Code] { gateway.health.all.map(\.code) }

  private func set(_ days: Int64, next: Int64 = 90) {
    let (inUse, renewed) = (holds(days), holds(next))
    bench.credentials.slots.withLock {
      $0.inUse = inUse
      $0.next = renewed
    }
  }

  @Test func aCertificateWithAThirdLeftIsRenewedTriedOnALinkOfItsOwnAndThenPutInUse() async throws {
    set(29)
    try await bench.run { gateway in
      let old = try await bench.serverLink()
      let request = try await old.next(.renewalRequest)
      #expect(try request.decoded(as: Cpns_V1_RenewalRequest.self).entityID == gateway.id.urn)
      try await old.reply(.enrolment, answer(bench.server), to: request)
      await old.untilClosed()
      // Without any time passing, and not in use before Hello.
      let link = await bench.connector.link(as: bench.server)
      #expect(bench.connector.attempts.last?.trust == .candidate)
      #expect(await bench.credentials.certificate == holds(29))
      try await link.hello([.cpnsServer])
      async let _ = link.untilClosed()
      await eventually("it is in use") { await bench.credentials.certificate == holds(90) }
      #expect(await !bench.credentials.hasCandidate)
      await link.close()
    }
  }

  @Test func aCertificateWithMoreLeftIsLeftAloneAndLookedAtEachHour() async throws {
    set(31)
    try await bench.run { _ in
      let link = try await bench.serverLink()
      _ = try await link.takeInventory()
      await eventually("it sleeps") { bench.timer.asked.contains(.seconds(3600)) }
      bench.wall.advance(seconds: 2 * 86_400)
      bench.timer.advance(by: .seconds(3600))
      _ = try await link.next(.renewalRequest)
    }
  }

  @Test func aRenewedCertificateThatIsRefusedIsDroppedAndTheOldOneServesOn() async throws {
    set(29)
    try await bench.run { gateway in
      let old = try await bench.serverLink()
      try await old.reply(.enrolment, answer(bench.server), to: try await old.next(.renewalRequest))
      try await bench.connector.link(as: bench.server).refuseHello(.unauthenticated, "who is that?")
      await eventually("it is dropped") { await !bench.credentials.hasCandidate }
      await eventually("people are told") { codes(gateway).contains(.certificateNotRenewed) }
      let again = try await bench.nextServerLink()
      #expect(bench.connector.attempts.last?.trust == .enrolled)
      // And it is not asked for at once again.
      _ = try await again.takeInventory()
      await eventually("it sleeps") { bench.timer.asked.contains(.seconds(3600)) }
      #expect(await bench.credentials.certificate == holds(29))
    }
  }

  @Test func aRenewalThatTheServerRefusesIsTold() async throws {
    set(10)
    try await bench.run { gateway in
      let link = try await bench.serverLink()
      try await link.reply(.refused, "no gateway has enrolled with this id", to: try await link.next(.renewalRequest))
      await eventually("people are told") { codes(gateway) == [.certificateNotRenewed] }
      #expect(gateway.health.all.first?.cause.contains("no gateway has enrolled with this id") == true)
      _ = try await link.takeInventory()
    }
  }

  @Test func aCertificateThatHasRunOutIsReplacedOnALinkWithoutIt() async throws {
    set(-200)
    try await bench.run { gateway in
      let stranger = try await bench.serverLink()
      #expect(bench.connector.attempts.map(\.trust) == [.withoutCertificate])
      let request = try await stranger.next(.renewalRequest)
      #expect(codes(gateway).contains(.certificateNotRenewed))
      try await stranger.reply(.enrolment, answer(bench.server), to: request)
      let link = try await bench.serverLink()
      #expect(bench.connector.attempts.map(\.trust) == [.withoutCertificate, .candidate])
      async let _ = link.untilClosed()
      await eventually("it is in use, and nothing is wrong any more") { await bench.credentials.certificate == holds(90) && codes(gateway).isEmpty }
      await link.close()
    }
  }

  @Test func anAnswerOfAnotherServerIsNotTaken() async throws {
    set(-1)
    try await bench.run { gateway in
      let stranger = try await bench.serverLink()
      try await stranger.reply(.enrolment, answer(.random()), to: try await stranger.next(.renewalRequest))
      await eventually("people are told") { gateway.health.all.contains { $0.cause.contains("another server answered") } }
      #expect(await !bench.credentials.hasCandidate)
    }
  }

  @Test func aDiskThatIsFullCostsNoCertificate() async throws {
    set(29)
    bench.credentials.slots.withLock { $0.stageFailure = .storage("no space left on device") }
    try await bench.run { gateway in
      let link = try await bench.serverLink()
      try await link.reply(.enrolment, answer(bench.server), to: try await link.next(.renewalRequest))
      await eventually("people are told") { gateway.health.all.contains { $0.cause.contains("no space left") } }
      // The link was not closed for nothing.
      _ = try await link.takeInventory()
      #expect(await bench.credentials.certificate == holds(29))
    }
  }

  @Test func threeRefusalsOfACertificateThatHoldsHereAreTakenForItsEndThere() async throws {
    set(80)
    bench.connector.refuse(.untrusted("the peer says that our certificate is outside its time"))
    try await bench.run { _ in
      try await bench.timer.passing {
        await eventually("it asks without a certificate") { bench.connector.attempts.contains { $0.trust == .withoutCertificate } }
      }
      #expect(bench.connector.attempts.firstIndex { $0.trust == .withoutCertificate } == 3)
      // And not again for each further refusal.
      let count = bench.connector.attempts.count
      try await bench.timer.passing { await eventually("it goes on") { bench.connector.attempts.count > count + 5 } }
      #expect(bench.connector.attempts.count { $0.trust == .withoutCertificate } == 1)
    }
  }

  @Test func aClockThatIsBehindIsToldAndNotTakenForEvidence() async throws {
    bench.time.problem = "this machine's clock shows 1970"
    try await bench.run { gateway in
      let link = try await bench.serverLink()
      _ = try await link.takeInventory()
      await eventually("it is told") { codes(gateway) == [.clockImplausible] }
      #expect(bench.time.seen.isEmpty)
      bench.time.problem = nil
      await eventually("it sleeps") { bench.timer.asked.contains(.seconds(3600)) }
      bench.timer.advance(by: .seconds(3600))
      await eventually("the time is kept") { bench.time.seen.count == 1 }
    }
  }

  @Test func twelveMonthsOfflineLoseNothing() async throws {
    set(60)
    bench.connector.refuse(.unreachable("nobody"))
    let phone = EntityID.random()
    try await bench.run { _ in
      for number in 1...300 {
        try await bench.store.commit([.enqueue(usage(number, of: phone))])
        bench.wall.advance(seconds: 86_400 * 365 / 300)
      }
      let renewed = holds(90)
      bench.credentials.slots.withLock { $0.next = renewed }
      bench.connector.refuse(nil)
      let stranger = try await bench.nextServerLink()
      try await stranger.reply(.enrolment, answer(bench.server), to: try await stranger.next(.renewalRequest))
      let link = try await bench.serverLink()
      var seen: Set<String> = []
      while seen.count < 300 {
        let request = try await link.next(.usageReport)
        seen.insert(try request.decoded(as: Cpns_V1_UsageReport.self).usageID)
        try await link.reply(.ok, to: request)
      }
      _ = try await link.takeInventory()
      await eventually("the outbox is empty") { bench.store.now.outbox.isEmpty }
    }
  }

  private func usage(_ number: Int, of phone: EntityID) -> OutboxDraft {
    var report = Cpns_V1_UsageReport()
    report.usageID = EntityID.random().urn
    report.consumer = phone.urn
    return OutboxDraft(
      kind: Cpns_V1_Kind.usageReport.rawValue, body: report.bytes, idempotency: .random(), made: Timestamp(milliseconds: Int64(number)))
  }
}
