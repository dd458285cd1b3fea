import CPNSMessages
import CPNSModel
import MediaProtocol
import Testing

@testable import GatewayCore

/// Deliveries to a television that speaks no CPNS: the gateway makes result and usage itself.
@Suite(.timeLimit(.minutes(1))) struct VirtualConsumerTests {
  private let bench = Bench()
  private let bytes = [UInt8](repeating: 7, count: 1_000)

  /// The server's link, and the television's id.
  private func start(_ gateway: Gateway) async throws -> (Far, EntityID) {
    bench.media.tell(.appeared(FakeMedia.television()))
    await eventually("the television is in the inventory") { await gateway.inventory.all.count == 1 }
    let television = try #require(await gateway.inventory.all.first)
    return (try await bench.serverLink(), television.id)
  }

  private var results: [Cpns_V1_DeliveryResult] { bench.store.outbox.compactMap(\.result) }
  private var usages: [Cpns_V1_UsageReport] { bench.store.outbox.compactMap(\.usage) }

  @Test func whatTheTelevisionCannotPlayIsRefusedInWords() async throws {
    try await bench.run { gateway in
      let (server, television) = try await start(gateway)
      let order = order(bytes, to: television, type: "audio/ogg", from: bench.server)
      _ = try await server.ask(.deliveryOffer, Cpns_V1_DeliveryOffer(order))
      await eventually("it has failed") { results.count == 1 }
      #expect(results[0].reason == "not-playable")
      #expect(results[0].detail.contains("audio/ogg") && results[0].detail.contains("video/mp4"))
      #expect(usages.isEmpty)
    }
  }

  @Test func whatWasPlayedIsOneResultAndOneUsageWithTheTimeOfPlaying() async throws {
    try await bench.run { gateway in
      let (server, television) = try await start(gateway)
      let order = order(bytes, to: television, from: bench.server)
      _ = try await server.ask(.deliveryOffer, Cpns_V1_DeliveryOffer(order))
      try await server.serve(bytes)
      await eventually("it is told to play") { bench.media.commands.contains { if case .play = $0 { true } else { false } } }
      let ticket = try #require(bench.relay.given.first)
      bench.media.tell(.transport(UDN("tv"), .playing, uri: ticket.url))
      await eventually("it plays") { await gateway.deliveries.delivery(order.id)?.state == .playing }
      bench.wall.advance(seconds: 60)
      bench.relay.tell(RelayEvent(token: ticket.token, distinctBytes: 1_000, requestEnded: true))
      bench.timer.advance(by: .seconds(1))
      bench.media.tell(.transport(UDN("tv"), .stopped, uri: ticket.url))
      try await bench.timer.passing { await eventually("it has ended") { results.count == 1 } }
      #expect(results[0].state == .delivered && results[0].bytes == 1_000)
      #expect(usages.count == 1)
      #expect(usages[0].consumer == television.urn && usages[0].deliveryID == order.id.urn && usages[0].bytes == 1_000)
      #expect(usages[0].endedMs - usages[0].startedMs >= 60_000)
      #expect(usages[0].capabilities.accepts == ["video/mp4"])
      #expect(bench.relay.withdrawn == [ticket])
      // The end, its result and its usage were one commit.
      #expect(bench.store.now.commits.contains { $0.count == 3 && $0.contains { if case .putDelivery = $0 { true } else { false } } })
    }
  }

  @Test func theTimeThatADeliveryWaitedIsNoUsage() async throws {
    try await bench.run { gateway in
      let (server, television) = try await start(gateway)
      bench.media.tell(.vanished(UDN("tv"), .byebye))
      await eventually("it is off") { await gateway.inventory.entry(television)?.availability == .offline }
      let order = order(bytes, to: television, from: bench.server)
      _ = try await server.ask(.deliveryOffer, Cpns_V1_DeliveryOffer(order))
      await settle()
      bench.wall.advance(seconds: 7_200)
      bench.media.tell(.appeared(FakeMedia.television()))
      try await server.serve(bytes)
      await eventually("it is told to play") { bench.relay.given.count == 1 }
      let ticket = try #require(bench.relay.given.first)
      bench.media.tell(.transport(UDN("tv"), .playing, uri: ticket.url))
      await eventually("it plays") { await gateway.deliveries.delivery(order.id)?.state == .playing }
      bench.relay.tell(RelayEvent(token: ticket.token, distinctBytes: 1_000, requestEnded: true))
      bench.media.tell(.transport(UDN("tv"), .stopped, uri: ticket.url))
      try await bench.timer.passing { await eventually("it has ended") { usages.count == 1 } }
      #expect(usages[0].endedMs - usages[0].startedMs < 60_000)
    }
  }

  @Test func oddNamesOfDevicesDoNotStopTheInventory() async throws {
    try await bench.run { gateway in
      var device = FakeMedia.television("odd", sink: [String(repeating: "x", count: 2_000), "http-get:*:video/mp4:*"])
      device.friendlyName = "e" + String(repeating: "\u{301}", count: 5_000) + " TV"
      device.manufacturer = String(repeating: "e\u{301}\u{301}\u{301}\u{301}", count: 128)
      bench.media.tell(.appeared(device))
      bench.media.tell(.appeared(FakeMedia.television()))
      await eventually("the plain one is in") { await gateway.inventory.all.contains { $0.name == "TV" } }
      for entry in await gateway.inventory.all {
        #expect(throws: Never.self) { try InventoryEntry(checking: Cpns_V1_InventoryEntry(entry)) }
      }
    }
  }
}
