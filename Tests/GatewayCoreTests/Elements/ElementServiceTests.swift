import CPNSMessages
import CPNSModel
import CPNSSession
import FoundationEssentials
import Testing

@testable import GatewayCore

@Suite(.timeLimit(.minutes(1))) struct ElementServiceTests {
  private let phone = EntityID.random()
  private let bench: Bench

  init() { bench = Bench(paired: [phone]) }

  private func availability(_ gateway: Gateway) async -> Availability? { await gateway.inventory.entry(phone)?.availability }

  // MARK: Registration

  @Test func aRegistrationIsInTheInventoryWhenItIsAnswered() async throws {
    try await bench.run { gateway in
      let link = try await bench.link(of: phone)
      let result: Cpns_V1_RegistrationResult = try await link.ask(.registration, Bench.registration("my phone")).decoded()
      #expect(result.pnID == Bench.pn.urn && result.revision == 1)
      #expect(bench.store.now.entries[phone]?.name == "my phone")
      #expect(await availability(gateway) == .online)
    }
  }

  @Test func whatARegistrationLacksIsNamed() async throws {
    try await bench.run { _ in
      let link = try await bench.link(of: phone)
      func problem(_ change: (inout Cpns_V1_Registration) -> Void) async throws -> String {
        var registration = Bench.registration()
        change(&registration)
        let status = try await link.status(.registration, registration)
        #expect(status.code == .malformed)
        return String(status.detail.prefix { $0 != ":" })
      }
      #expect(try await problem { $0.name = String(repeating: "x", count: 129) } == "Registration.name")
      #expect(try await problem { $0.name = "a\u{1B}[2J" } == "Registration.name")
      // Characters are few and bytes are many: each is an e with 500 accents.
      #expect(try await problem { $0.name = "e" + String(repeating: "\u{301}", count: 5_000) } == "Registration.name")
      #expect(try await problem { $0.capabilities.deviceType = "" } == "DeviceCapabilities.device_type")
      #expect(try await problem { $0.capabilities.accepts = [String(repeating: "x", count: 5_000)] } == "DeviceCapabilities.accepts")
      #expect(try await problem { $0.capabilities.accepts = Array(repeating: "a/b", count: 513) } == "DeviceCapabilities.accepts")
      #expect(try await problem { $0.services = [Cpns_V1_ServiceDescription()] } == "ServiceDescription.service_id")
    }
  }

  @Test func aBodyThatIsNoMessageIsMalformed() async throws {
    try await bench.run { _ in
      let link = try await bench.link(of: phone)
      let answer = try await link.ask(.registration, Cpns_V1_KeepAlive()) { $0.body = Data([255, 255]) }
      #expect(try answer.decoded(as: Cpns_V1_Status.self).detail == "body: is not a valid cpns.v1.Registration")
    }
  }

  @Test func foreignServicesAreRefused() async throws {
    try await bench.run { _ in
      let link = try await bench.link(of: phone)
      var registration = Bench.registration()
      registration.services = [
        Cpns_V1_ServiceDescription(ServiceDescription(id: .random(), name: "x", type: "content-reception", offeredBy: .random()))
      ]
      #expect(try await link.code(.registration, registration) == .forbidden)
      #expect(bench.store.now.entries.isEmpty)
    }
  }

  @Test func aFullInventoryIsToldToThePNE() async throws {
    let entries = (0..<Limits.devices).map { entry(.random(), "TV \($0)", kind: .virtualPNE) }
    let bench = Bench(paired: [phone], entries: entries)
    try await bench.run { gateway in
      let link = try await bench.link(of: phone)
      #expect(try await link.code(.registration, Bench.registration()) == .busy)
      #expect(gateway.health.all.map(\.code).contains(.devicesFull))
    }
  }

  @Test func aRegistrationThatIsNotOnDiskIsNotAnsweredAsOne() async throws {
    try await bench.run { _ in
      let link = try await bench.link(of: phone)
      bench.store.failWrites()
      #expect(try await link.code(.registration, Bench.registration()) == .busy)
      bench.store.failWrites(nil)
      #expect(try await link.ask(.registration, Bench.registration()).kind == .registrationResult)
    }
  }

  @Test func deregistrationForgetsTheKeyAndTheDevice() async throws {
    try await bench.run { gateway in
      let link = try await bench.registered(phone)
      #expect(try await link.code(.deregistration, Cpns_V1_Deregistration()) == .ok)
      #expect(bench.store.now.pairings.isEmpty && bench.store.now.entries.isEmpty)
      #expect(bench.listener.connect("eukey:\(phone.urn):1", key: Bench.key(of: phone), as: phone) == nil)
      // The link that it asked on is no way back in.
      #expect(try await link.code(.registration, Bench.registration()) == .unauthenticated)
      #expect(await gateway.inventory.all.isEmpty)
    }
  }

  @Test func aPNEThatNeverRegisteredCanLeaveForGoodToo() async throws {
    try await bench.run { _ in
      let link = try await bench.link(of: phone)
      #expect(try await link.code(.deregistration, Cpns_V1_Deregistration()) == .ok)
      #expect(bench.store.now.pairings.isEmpty)
    }
  }

  // MARK: Links

  @Test func aLostLinkMakesThePNEOffline() async throws {
    try await bench.run { gateway in
      let link = try await bench.registered(phone)
      await link.close()
      await eventually("it is offline") { await availability(gateway) == .offline }
      #expect(await gateway.inventory.entry(phone)?.reason == "link-lost")
    }
  }

  @Test func aSecondLinkReplacesTheFirst() async throws {
    try await bench.run { gateway in
      let first = try await bench.registered(phone)
      let second = try await bench.registered(phone)
      await first.untilClosed()
      await settle()
      #expect(await availability(gateway) == .online)
      await second.close()
      await eventually("it is offline") { await availability(gateway) == .offline }
    }
  }

  @Test func aPNEThatWasOnlineBeforeTheStartAndDoesNotComeBackIsOffline() async throws {
    let bench = Bench(paired: [phone], entries: [entry(phone, "phone")])
    try await bench.run { gateway in
      await bench.timer.pass(.seconds(30))
      await eventually("it is offline") { await availability(gateway) == .offline }
      #expect(await gateway.inventory.entry(phone)?.reason == "not-seen")
    }
  }

  @Test func aStatusReportChangesTheStatus() async throws {
    try await bench.run { gateway in
      let link = try await bench.registered(phone)
      var report = Cpns_V1_StatusReport()
      report.availability = .busy
      report.reason = "playing"
      #expect(try await link.code(.statusReport, report) == .ok)
      #expect(await availability(gateway) == .busy)
      report.availability = .unspecified
      #expect(try await link.code(.statusReport, report) == .malformed)
      report.availability = .online
      report.reason = "a\u{1B}[2J"
      #expect(try await link.status(.statusReport, report).detail.hasPrefix("StatusReport.reason"))
    }
  }

  // MARK: Usage

  private func usage(_ consumer: EntityID) -> Cpns_V1_UsageReport {
    Cpns_V1_UsageReport(
      UsageRecord(
        id: .random(), consumer: consumer, delivery: .random(),
        content: ContentDescription(id: .random(), name: "a", mediaType: "a/b", size: 1, sha256: nil), serviceType: "content-reception",
        started: Timestamp(milliseconds: 1), ended: Timestamp(milliseconds: 2), bytes: 1, outcome: .delivered,
        capabilities: DeviceCapabilities(deviceType: "computer")))
  }

  @Test func aUsageReportIsInTheOutboxWhenItIsAnswered() async throws {
    try await bench.run { _ in
      let link = try await bench.registered(phone)
      let report = usage(phone)
      #expect(try await link.code(.usageReport, report) == .ok)
      #expect(bench.store.outbox.compactMap(\.usage) == [report])
      bench.store.failWrites()
      #expect(try await link.code(.usageReport, usage(phone)) == .busy)
    }
  }

  @Test func theUsageOfAnotherIsForbidden() async throws {
    let tv = entry(.random(), "TV", kind: .virtualPNE)
    let bench = Bench(paired: [phone], entries: [tv])
    try await bench.run { _ in
      let link = try await bench.registered(phone)
      #expect(try await link.code(.usageReport, usage(tv.id)) == .forbidden)
      #expect(bench.store.outbox.compactMap(\.usage).isEmpty)
    }
  }

  @Test func anOutboxThatIsFullTakesNoMoreUsageUntilTheServerHasSome() async throws {
    bench.store.set { contents in
      let draft = OutboxDraft(kind: Cpns_V1_Kind.usageReport.rawValue, body: [], idempotency: .random(), made: Timestamp(milliseconds: 0))
      contents.outbox = (1...100_000).map { OutboxMessage(sequence: $0, draft: draft) }
    }
    bench.connector.refuse(.unreachable("cut"))
    try await bench.run { _ in
      let link = try await bench.registered(phone)
      #expect(try await link.code(.usageReport, usage(phone)) == .busy)
    }
  }
}
