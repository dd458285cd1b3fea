import CPNSMessages
import CPNSModel
import CPNSSession
import ServerCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct DeliveryTests {
  /// A gateway with a device, and a content to deliver to it.
  private func scene(_ bench: Bench, _ server: Server) async throws -> (GatewayRecord, InventoryEntry, ContentRecord) {
    let gateway = try await bench.gateway()
    return (gateway, try await bench.device(in: gateway.pn), try await bench.upload([1, 2, 3], to: server))
  }

  private func outcome(_ id: DeliveryID, _ state: DeliveryState = .delivered, bytes: UInt64 = 3) -> [UInt8] {
    Cpns_V1_DeliveryResult(DeliveryOutcome(delivery: id, state: state, bytes: bytes)).bytes
  }

  @Test func aDeliveryIsOfferedAtOnceToTheGatewayOfItsConsumer() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, tv, content) = try await scene(bench, server)
      let handler = FakeGateway()
      try await bench.link(as: gateway.id, nil, handler) { (_: Session) async throws in
        try await bench.until("online") { try await server.network(gateway.pn).network.isOnline }
        let report = try await server.deliver(content.description.id, to: tv.id)
        let offer = await handler.offers.first { _ in true }
        #expect(offer == DeliveryOrder(id: report.delivery.order.id, content: content.description, consumer: tv.id, offeredBy: server.id))
        try await bench.until("answered") { try await server.delivery(report.delivery.order.id).delivery.isAnswered }
      }
    }
  }

  @Test func itIsOfferedAgainAfterALostLinkUntilItIsAnswered() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, tv, content) = try await scene(bench, server)
      let id = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
      // The link is lost before the answer.
      let first = FakeGateway { _ in
        let (never, end) = AsyncStream<Never>.makeStream()
        for await _ in never {}
        end.finish()
        return .accepted
      }
      try await bench.link(as: gateway.id, nil, first) { (_: Session) async throws in #expect(await first.offers.first { _ in true }?.id == id) }
      let second = FakeGateway()
      try await bench.link(as: gateway.id, nil, second) { (_: Session) async throws in
        #expect(await second.offers.first { _ in true }?.id == id)
        try await bench.until("answered") { try await server.delivery(id).delivery.isAnswered }
      }
      // Not a third time: the next that is offered is a new one.
      let third = FakeGateway()
      try await bench.link(as: gateway.id, nil, third) { (_: Session) async throws in
        try await bench.until("online") { try await server.network(gateway.pn).network.isOnline }
        let next = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
        #expect(await third.offers.first { _ in true }?.id == next)
      }
    }
  }

  @Test(arguments: [
    (Reply.status(.notFound, "not in this PN"), "not-found", "not in this PN"), (.status(.forbidden, "no"), "forbidden", "no"),
    (.answer(false, "no room"), "refused", "no room"), (.status(.ok), "bad-answer", "the gateway answered something else than DeliveryAnswer"),
  ])
  func aRefusedOfferEndsAsFailedWithTheReason(reply: Reply, reason: String, detail: String) async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, tv, content) = try await scene(bench, server)
      let id = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
      try await bench.link(as: gateway.id, nil, FakeGateway { _ in reply }) { (_: Session) async throws in
        try await bench.until("ended") { try await server.delivery(id).state == .failed }
      }
      let outcome = try await server.delivery(id).delivery.outcome
      #expect(outcome?.reason == reason && outcome?.detail == detail)
    }
  }

  @Test func aBusyGatewayIsAskedAgainAtAPace() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, tv, content) = try await scene(bench, server)
      let id = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
      let refusals = Shared(2)
      let handler = FakeGateway { _ in
        guard refusals.value > 0 else { return .accepted }
        refusals.value -= 1
        return .status(.busy, "full")
      }
      try await bench.link(as: gateway.id, nil, handler) { (_: Session) async throws in
        for pause in [Duration.seconds(2), .seconds(4)] {
          try await bench.until("the server pauses") { bench.timer.hasSleeper(for: pause) }
          #expect(try await server.delivery(id).delivery.isAnswered == false)
          bench.timer.advance(by: pause)
        }
        try await bench.until("answered") { try await server.delivery(id).delivery.isAnswered }
      }
    }
  }

  @Test func oneThatCantBeTakenNowDoesNotHoldUpTheOthers() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, tv, content) = try await scene(bench, server)
      let stuck = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
      let next = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
      try await bench.link(as: gateway.id, nil, FakeGateway { $0.id == stuck ? .status(.internal, "odd") : .accepted }) { (_: Session) async throws in
        try await bench.until("the next is answered") { try await server.delivery(next).delivery.isAnswered }
      }
      #expect(try await server.delivery(stuck).state == .accepted)
    }
  }

  @Test func aResultCountsOnce() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, tv, content) = try await scene(bench, server)
      let id = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        #expect(try await session.code(.deliveryResult, outcome(id)) == .ok)
        bench.wall.value += 1_000
        #expect(try await session.code(.deliveryResult, outcome(id)) == .ok)
        #expect(try await session.code(.deliveryResult, outcome(id, .failed, bytes: 0)) == .ok)
        #expect(try await session.code(.deliveryResult, outcome(.random())) == .notFound)
        #expect(try await session.code(.deliveryResult, outcome(id, .playing)) == .malformed)
      }
      let report = try await server.delivery(id)
      #expect(report.state == .delivered && report.bytes == 3)
      #expect(report.delivery.ended == Timestamp(milliseconds: bench.wall.value - 1_000))
      #expect(try await server.counts().delivered == 1)
    }
  }

  @Test func theDeliveriesOfAnotherPNAreNotFound() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (_, tv, content) = try await scene(bench, server)
      let other = try await bench.gateway(2)
      let id = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
      try await bench.link(as: other.id) { (session: Session) async throws in
        #expect(try await session.code(.deliveryResult, outcome(id)) == .notFound)
        var open = Cpns_V1_ContentOpen()
        open.contentID = content.description.id.urn
        open.deliveryID = id.urn
        open.credit = 10
        #expect(try await session.code(.contentOpen, open.bytes) == .notFound)
      }
      #expect(try await server.delivery(id).delivery.outcome == nil)
    }
  }

  @Test func aDiskThatCantBeWrittenAcknowledgesNoResult() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, tv, content) = try await scene(bench, server)
      let id = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        bench.store.fail(true)
        #expect(try await session.code(.deliveryResult, outcome(id)) == .busy)
        bench.store.fail(false)
        #expect(try await session.code(.deliveryResult, outcome(id)) == .ok)
      }
    }
  }

  @Test func progressIsShownUntilTheEnd() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, tv, content) = try await scene(bench, server)
      let id = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        var progress = Cpns_V1_DeliveryProgress()
        progress.deliveryID = id.urn
        progress.state = .fetching
        progress.bytes = 2
        try await session.notify(.deliveryProgress, progress.bytes)
        try await bench.until("progress") {
          let report = try await server.delivery(id)
          return report.state == .fetching && report.bytes == 2
        }
        #expect(try await session.code(.deliveryResult, outcome(id)) == .ok)
        #expect(try await server.delivery(id).state == .delivered)
      }
    }
  }

  @Test func aSecondLinkReplacesTheFirst() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, tv, content) = try await scene(bench, server)
      let isReplaced = Shared(false)
      async let first: Void = {
        try await bench.link(as: gateway.id) { (session: Session) async throws in
          // Until its link ends.
          while (try? await session.request(.keepAlive, [])) != nil { await Task.yield() }
        }
        isReplaced.value = true
      }()
      try await bench.until("online") { try await server.network(gateway.pn).network.isOnline }
      let handler = FakeGateway()
      try await bench.link(as: gateway.id, nil, handler) { (_: Session) async throws in
        try await bench.until("the first is closed") { isReplaced.value }
        #expect(try await server.network(gateway.pn).network.isOnline)
        let id = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
        #expect(await handler.offers.first { _ in true }?.id == id)
      }
      try await first
    }
  }

  @Test func whatDoesNotExistCantBeDelivered() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (_, tv, content) = try await scene(bench, server)
      let nobody = EntityID.random(), nothing = ContentID.random()
      await #expect(throws: ServerFailure.notFound("PNE \(nobody)")) { try await server.deliver(content.description.id, to: nobody) }
      await #expect(throws: ServerFailure.notFound("content \(nothing)")) { try await server.deliver(nothing, to: tv.id) }
    }
  }

  @Test func aPNTakesSoManyLiveDeliveriesAndNoMore() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, tv, content) = try await scene(bench, server)
      let order = DeliveryOrder(id: .random(), content: content.description, consumer: tv.id, offeredBy: server.id)
      let many = (0..<ServerBounds.liveDeliveriesOfPN).map { _ in
        ServerOperation.putDelivery(ServerDelivery(order: order, pn: gateway.pn, made: Timestamp(milliseconds: bench.wall.value)))
      }
      try await bench.store.commit(many)
      await #expect { try await server.deliver(content.description.id, to: tv.id) } throws: {
        if case .full = $0 as? ServerFailure { true } else { false }
      }
    }
  }

  @Test func aDeliveryWhoseGatewayNeverComesIsGivenUp() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (_, tv, content) = try await scene(bench, server)
      let id = try await server.deliver(content.description.id, to: tv.id).delivery.order.id
      try await bench.until("housekeeping waits") { bench.timer.hasSleeper(for: .seconds(3_600)) }
      bench.wall.value += 8 * 86_400_000
      bench.timer.advance(by: .seconds(3_600))
      try await bench.until("given up") { try await server.delivery(id).delivery.outcome?.reason == "gateway-offline" }
    }
  }

  // MARK: Usage

  private func record(_ id: UsageID = .random()) -> UsageRecord {
    UsageRecord(
      id: id, consumer: .random(), delivery: .random(),
      content: ContentDescription(id: .random(), name: "c", mediaType: "a/b", size: nil, sha256: nil), serviceType: "media-rendering",
      started: Timestamp(milliseconds: 1), ended: Timestamp(milliseconds: 2), bytes: 3, outcome: .delivered,
      capabilities: DeviceCapabilities(deviceType: "phone"))
  }

  @Test func usageCountsOnceHoweverOftenItComes() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway(), record = self.record()
      let body: [UInt8] = Cpns_V1_UsageReport(record).bytes
      for _ in 0..<2 {
        try await bench.link(as: gateway.id) { (session: Session) async throws in
          #expect(try await session.code(.usageReport, body) == .ok)
          #expect(try await session.code(.usageReport, body) == .ok)
        }
      }
      #expect(try await server.usage(ListPage(limit: 9)).items.map(\.usage) == [record])
    }
  }

  @Test func usageThatCantBeWrittenIsNotAcknowledged() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway()
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        bench.store.fail(true)
        #expect(try await session.code(.usageReport, Cpns_V1_UsageReport(record()).bytes) == .busy)
        #expect(try await session.code(.usageReport, Cpns_V1_UsageReport().bytes) == .malformed)
      }
      #expect(try await server.usage(ListPage(limit: 9)).items.isEmpty)
    }
  }
}
