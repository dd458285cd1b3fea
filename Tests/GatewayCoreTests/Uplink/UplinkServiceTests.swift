import CPNSMessages
import CPNSModel
import CPNSSession
import Testing

@testable import GatewayCore

@Suite(.timeLimit(.minutes(1))) struct UplinkServiceTests {
  private let bench = Bench()

  private func codes(_ gateway: Gateway) -> [HealthWarning.Code] { gateway.health.all.map(\.code) }
  private func waits(_ gateway: Gateway) async {
    await eventually("it waits for the next try") { if case .waiting = gateway.uplink.state { true } else { false } }
  }

  @Test func withoutAServerTheNextStepIsOnTheHealthBoard() async throws {
    let bench = Bench(isEnrolled: false)
    try await bench.run { gateway in
      await eventually("it is warned of") { codes(gateway) == [.notEnrolled] }
      #expect(gateway.uplink.state == .notEnrolled)
      #expect(gateway.health.all.first?.nextStep.contains("pngwctl enrol") == true)
      #expect(bench.connector.attempts.isEmpty)
    }
  }

  @Test func anEnrolmentIsFollowedAtOnce() async throws {
    let bench = Bench(isEnrolled: false)
    try await bench.run { gateway in
      await eventually("it is warned of") { codes(gateway) == [.notEnrolled] }
      try await gateway.inventory.enrol(pn: Bench.pn, server: "server:7420", serverID: bench.server)
      await gateway.uplink.enrolled()
      let server = try await bench.serverLink()
      #expect(try await server.takeInventory().kind == .inventorySnapshot)
      await eventually("it stands") { if case .connected = gateway.uplink.state { true } else { false } }
      #expect(codes(gateway).isEmpty)
    }
  }

  @Test func anEnrolmentInTheMiddleOfATryIsNotMissed() async throws {
    try await bench.run { gateway in
      let old = try await bench.serverLink()
      _ = try await old.takeInventory()
      try await gateway.inventory.enrol(pn: .random(), server: "new:7420", serverID: .random())
      await gateway.uplink.enrolled()
      await old.untilClosed()
      // Without any time passing.
      await eventually("the new server is tried") { bench.connector.attempts.last?.server == "new:7420" }
    }
  }

  @Test func aLostLinkIsToldAndBroughtUpAgain() async throws {
    try await bench.run { gateway in
      let events = gateway.journal.watch()
      let first = try await bench.serverLink()
      _ = try await first.takeInventory()
      await first.close()
      await waits(gateway)
      // It waits first and says so next.
      await eventually("the board has it") { codes(gateway) == [.uplinkDown] }
      _ = try await bench.nextServerLink().takeInventory()
      #expect(codes(gateway).isEmpty)
      var kinds: [GatewayEvent.Kind] = []
      for await event in events where ![.warningRaised, .warningCleared].contains(event.kind) {
        kinds.append(event.kind)
        if kinds.count == 3 { break }
      }
      #expect(kinds == [.uplinkConnected, .uplinkLost, .uplinkConnected])
    }
  }

  @Test func theWaitsGrowToTheCapAndAreSpreadOverAllOfIt() async throws {
    bench.connector.refuse(.unreachable("nobody"))
    try await bench.run { gateway in
      var waits: [Duration] = []
      for number in 1...60 {
        await eventually("try \(number)") { bench.connector.attempts.count == number }
        await self.waits(gateway)
        // The grace of elements and of devices are the two that are not the uplink's.
        await eventually("it sleeps") { bench.timer.asked.filter { $0 != .seconds(30) }.count == number }
        waits.append(bench.timer.asked.filter { $0 != .seconds(30) }[number - 1])
        bench.timer.advance(by: .seconds(60))
      }
      #expect(waits[0] <= .milliseconds(500) && waits[1] <= .seconds(1) && waits[2] <= .seconds(2))
      #expect(waits.allSatisfy { $0 <= .seconds(60) })
      let capped = waits.dropFirst(10)
      #expect(capped.contains { $0 > .seconds(30) } && capped.contains { $0 < .seconds(30) })
      #expect(Set(capped).count > 40)
    }
  }

  @Test func aServerThatTakesLinksAndDropsThemIsNotHammered() async throws {
    try await bench.run { gateway in
      var waits: [Duration] = []
      for number in 1...30 {
        let server = try await bench.serverLink()
        _ = try await server.takeInventory()
        let before = bench.timer.asked.count
        await server.close()
        await self.waits(gateway)
        await eventually("try \(number) waits") { bench.timer.asked.count > before }
        waits.append(bench.timer.asked[before...].max() ?? .zero)
        bench.timer.advance(by: .seconds(60))
      }
      #expect(waits.dropFirst(10).contains { $0 > .seconds(5) })
    }
  }

  @Test func aServerWithAnotherIDIsRefusedAndAPersonIsTold() async throws {
    try await bench.run { gateway in
      let stranger = await bench.connector.link(as: .random())
      try await stranger.hello([.cpnsServer])
      await waits(gateway)
      #expect(codes(gateway) == [.uplinkRefused])
      #expect(gateway.health.all.first?.cause.contains(bench.server.urn) == true)
    }
  }

  @Test func aServerThatRefusesUsIsToldAsARefusal() async throws {
    try await bench.run { gateway in
      let server = await bench.connector.link(as: bench.server)
      try await server.refuseHello(.unauthenticated, "not enrolled here")
      await waits(gateway)
      #expect(codes(gateway) == [.uplinkRefused])
      #expect(gateway.health.all.first?.cause.contains("not enrolled here") == true)
    }
  }

  @Test func anUntrustedServerIsToldAsARefusalAndAnOutageAsOne() async throws {
    bench.connector.refuse(.untrusted("the certificate is for another name"))
    try await bench.run { gateway in
      await waits(gateway)
      #expect(codes(gateway) == [.uplinkRefused])
      bench.connector.refuse(.unreachable("no route"))
      try await bench.timer.passing {
        await eventually("it is an outage now, and nothing else") { codes(gateway) == [.uplinkDown] }
      }
    }
  }

  @Test func aPNEIsNoServer() async throws {
    try await bench.run { gateway in
      let pne = await bench.connector.link(as: bench.server)
      try await pne.hello([.pne])
      await waits(gateway)
      #expect(codes(gateway) == [.uplinkRefused])
    }
  }

  @Test func aServerMayLeaveItsModesEmpty() async throws {
    try await bench.run { gateway in
      let server = await bench.connector.link(as: bench.server)
      try await server.hello([])
      _ = try await server.takeInventory()
      #expect(codes(gateway).isEmpty)
    }
  }

  @Test func aServerMayOfferAndNothingElse() async throws {
    try await bench.run { _ in
      let server = try await bench.serverLink()
      #expect(try await server.code(.registration, Bench.registration()) == .forbidden)
      #expect(try await server.code(.UNRECOGNIZED(900), Cpns_V1_KeepAlive()) == .unsupported)
      #expect(try await server.status(.deliveryOffer, Cpns_V1_DeliveryOffer()).detail.hasPrefix("DeliveryOffer.delivery_id"))
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct UplinkReconfigurationTests {
  private let bench = Bench()
  private func settings(_ server: String) -> UplinkService.Settings {
    UplinkService.Settings(server: server, backoffFirst: .milliseconds(500), backoffLimit: .seconds(60))
  }

  @Test func otherSettingsHoldAtOnceAndCutTheLinkOfBefore() async throws {
    try await bench.run { gateway in
      let old = try await bench.serverLink()
      await eventually("it stands") { gateway.uplink.isConnected }
      await gateway.uplink.reconfigure(settings("other:1"))
      #expect(!gateway.uplink.isConnected)
      await old.untilClosed()
      let new = try await bench.nextServerLink()
      #expect(bench.connector.attempts.last?.server == "other:1")
      #expect(await gateway.uplink.stands(within: .seconds(60)))
      await new.close()
    }
  }

  @Test func aServerThatDoesNotComeIsWaitedForNoLongerThanWasSaid() async throws {
    bench.connector.refuse(.unreachable("nobody"))
    try await bench.run { gateway in
      await gateway.uplink.reconfigure(settings("other:1"))
      let stands = try await bench.timer.passing { await gateway.uplink.stands(within: .seconds(30)) }
      #expect(!stands)
    }
  }
}
