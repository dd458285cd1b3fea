import AdminProtocol
import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession
import Testing

@testable import GatewayCore

@Suite struct AdministrationTests {
  let phone = EntityID.random()

  func refused(_ code: AdminFailure.Code, _ body: () async throws -> Void, _ location: SourceLocation = #_sourceLocation) async {
    await #expect(sourceLocation: location) { try await body() } throws: { ($0 as? AdminFailure)?.code == code }
  }

  /// The first event of one of these kinds.
  func next(_ events: AsyncStream<GatewayEvent>, _ kinds: GatewayEvent.Kind...) async -> GatewayEvent? {
    for await event in events where kinds.contains(event.kind) { return event }
    return nil
  }

  // MARK: Status

  @Test func theStatusCountsWhatThereIs() async throws {
    let bench = Bench(paired: [phone], entries: [entry(.random(), "a", .offline), entry(.random(), "b", .busy)])
    try await bench.run { gateway in
      let far = try await bench.registered(phone)
      let server = try await bench.serverLink()
      let administration = Administration(gateway: gateway)
      await eventually("the uplink stands") { gateway.uplink.session != nil }
      let status = try await administration.status()
      #expect(status.devices == .init(online: 1, busy: 1, offline: 1) && status.elements == .init(port: 7421, linked: 1))
      #expect(status.uplink.state == .connected && status.uplink.server == "server:7420" && status.uplink.serverID == bench.server)
      #expect(status.pn.name == "home" && status.name == "gw" && status.outbox.messages == 1 && status.outbox.oldest != nil)
      withExtendedLifetime((far, server)) {}
    }
  }

  @Test func theUplinkIsDownSinceItWasLostHoweverOftenItIsTried() async throws {
    let bench = Bench()
    bench.connector.refuse(.unreachable("no route"))
    try await bench.run { gateway in
      let administration = Administration(gateway: gateway)
      await eventually("it was tried") { !bench.connector.attempts.isEmpty }
      await eventually("it waits") { if case .waiting = gateway.uplink.state { true } else { false } }
      let since = try await administration.status().uplink.since
      bench.wall.advance(seconds: 50)
      bench.timer.advance(by: .seconds(60))
      await eventually("it was tried again") { bench.connector.attempts.count > 1 }
      await eventually("it waits") { if case .waiting = gateway.uplink.state { true } else { false } }
      let status = try await administration.status()
      #expect(status.uplink.since == since && status.uplink.detail == "no route" && status.warnings.map(\.code) == ["uplink-down"])
    }
  }

  @Test func aDiskThatCanNotBeReadIsToldAndNotHidden() async throws {
    let bench = Bench()
    let administration = Administration(gateway: try await bench.prepare())
    bench.store.failReads()
    await refused(.unavailable) { _ = try await administration.status() }
    await refused(.unavailable) { _ = try await administration.deliveries(limit: 1) }
  }

  // MARK: Pairing

  @Test(arguments: [Int64.min, -1, 0, 9, 3601, .max]) func aWindowOfAnImpossibleLengthIsRefused(_ seconds: Int64) async throws {
    let administration = Administration(gateway: try await Bench().prepare())
    await refused(.badRequest) { _ = try administration.openPairing(PairingRequest(seconds: seconds)) }
    #expect(!administration.pairing().open)
  }

  @Test func anOpenWindowIsShownWithoutItsCode() async throws {
    let bench = Bench()
    let administration = Administration(gateway: try await bench.prepare())
    let opened = try administration.openPairing(PairingRequest())
    #expect(opened.expires.timestamp.milliseconds == bench.wall.clock.now().milliseconds + 300_000)
    let (text, scanned) = (try PairingCode(parsing: opened.code), try PairingCode(parsing: opened.uri))
    #expect(text == scanned)
    #expect(administration.pairing() == PairingReply(open: true, expires: opened.expires))
    #expect(administration.cancelPairing() == PairingReply(open: false))
  }

  @Test func aWindowThatExpiresIsToldOnce() async throws {
    let bench = Bench()
    try await bench.run { gateway in
      let administration = Administration(gateway: gateway)
      let events = administration.events()
      _ = try administration.openPairing(PairingRequest(seconds: 60))
      await bench.timer.pass(.seconds(60))
      #expect(!administration.pairing().open)
      #expect(await next(events, .pairingClosed)?.fields["why"] == "expired")
      _ = administration.cancelPairing()
      _ = try administration.openPairing(PairingRequest(seconds: 60))
      #expect(await next(events, .pairingOpened, .pairingClosed)?.kind == .pairingOpened)
    }
  }

  @Test func aWindowThatIsCancelledOrGuessedAtIsTold() async throws {
    let bench = Bench()
    try await bench.run { gateway in
      let administration = Administration(gateway: gateway)
      let events = administration.events()
      _ = try administration.openPairing(PairingRequest())
      _ = administration.cancelPairing()
      #expect(await next(events, .pairingClosed)?.fields["why"] == "cancelled")
      _ = try administration.openPairing(PairingRequest())
      for _ in 0..<PairingWindow.maximumFailures { #expect(bench.listener.connect("pair", key: [0], as: .random()) == nil) }
      #expect(await next(events, .pairingClosed)?.fields["why"] == "too-many-failures")
    }
  }

  // MARK: Removing

  @Test func aRemovedPNELosesItsKeyItsLinkAndItsDeliveries() async throws {
    let bench = Bench(paired: [phone])
    try await bench.run { gateway in
      let administration = Administration(gateway: gateway)
      let far = try await bench.registered(phone)
      let order = order([1], to: phone, from: bench.server)
      #expect(await gateway.deliveries.accept(order, from: .server) == .accepted)
      let removed = try await administration.remove(phone.urn)
      #expect(removed == RemovalReply(removed: phone, name: "phone"))
      await far.untilGone()
      #expect(bench.listener.connect("eukey:\(phone.urn):1", key: Bench.key(of: phone), as: phone) == nil)
      #expect(bench.store.now.pairings.isEmpty && bench.store.now.entries.isEmpty)
      let ended = try await administration.delivery(order.id.urn)
      #expect(ended.state == .failed && ended.reason == "consumer-removed" && ended.consumerName == nil)
      await refused(.notFound) { _ = try await administration.remove(phone.urn) }
      await refused(.badRequest) { _ = try await administration.remove("phone") }
    }
  }

  @Test func aPNEThatHasLeftCanNotComeBackOnItsOldLink() async throws {
    let bench = Bench(paired: [phone])
    try await bench.run { gateway in
      let far = try await bench.registered(phone)
      #expect(try await far.code(.deregistration, Cpns_V1_Deregistration()) == .ok)
      #expect(try await far.code(.registration, Bench.registration()) == .unauthenticated)
      #expect(await gateway.inventory.all.isEmpty)
    }
  }

  // MARK: Enrolment

  @Test(arguments: ["", "server", "server:", ":7420", "server:0", "server:65536", "server:x", "a b:1", "a/b:1", "::1:7420", "[::1]", "u@server:1", "server:+1"])
  func whatIsNoServerIsRefusedBeforeAnybodyIsAsked(_ server: String) async throws {
    let bench = Bench(isEnrolled: false)
    let administration = Administration(gateway: try await bench.prepare())
    await refused(.badRequest) { _ = try await administration.enrol(EnrolmentRequest(code: ClaimCode.sample, server: server)) }
    #expect(bench.connector.attempts.isEmpty)
  }

  @Test func aCodeThatIsNoneIsRefusedAndAServerThatIsAwayIsTold() async throws {
    let bench = Bench(isEnrolled: false)
    let administration = Administration(gateway: try await bench.prepare())
    await refused(.badRequest) { _ = try await administration.enrol(EnrolmentRequest(code: "x", server: "server:1")) }
    bench.connector.refuse(.unreachable("no route"))
    await refused(.unreachable) { _ = try await administration.enrol(EnrolmentRequest(code: ClaimCode.sample, server: "[::1]:1")) }
  }

  @Test func twoEnrolmentsAtOnceAreOneTooMany() async throws {
    let bench = Bench(isEnrolled: false)
    let administration = Administration(gateway: try await bench.prepare())
    await withTaskGroup(of: Void.self) { group in
      group.addTask { _ = try? await administration.enrol(EnrolmentRequest(code: ClaimCode.sample, server: "server:1")) }
      let far = await bench.connector.link(as: bench.server)
      await refused(.conflict) { _ = try await administration.enrol(EnrolmentRequest(code: ClaimCode.sample, server: "server:1")) }
      await far.link.close()
      await group.waitForAll()
      bench.connector.refuse(.unreachable("no route"))
      await refused(.unreachable) { _ = try await administration.enrol(EnrolmentRequest(code: ClaimCode.sample, server: "server:1")) }
    }
  }
}

extension ClaimCode {
  static let sample = ClaimCode(secret: [UInt8](repeating: 1, count: 16), fingerprint: [UInt8](repeating: 2, count: 16)).text
}

private func entry(_ id: EntityID, _ name: String, _ availability: Availability) -> InventoryEntry { entry(id, name, kind: .pne, availability) }

extension Far {
  /// Until the gateway has closed the link.
  func untilGone() async { while (try? await link.receive()) != nil {} }
}
