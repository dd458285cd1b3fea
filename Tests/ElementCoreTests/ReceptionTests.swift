import CPNSMessages
import CPNSModel
import CPNSSession
import SwiftProtobuf
import Testing

@testable import ElementCore

@Suite(.timeLimit(.minutes(1))) struct ReceptionTests {
  private let gateway = ScriptedGateway()
  private let inbox = MemoryInbox()
  private let picture = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

  private func results(_ asked: [ScriptedGateway.Asked]) throws -> [Cpns_V1_DeliveryResult] {
    try asked.filter { $0.kind == .deliveryResult }.map { try $0.message() }
  }
  private func opens() throws -> [UInt64] {
    try gateway.asked.entries.filter { $0.kind == .contentOpen }.map { try $0.message(Cpns_V1_ContentOpen.self).offset }
  }
  private func accept(_ order: DeliveryOrder) async throws {
    let answer = try await gateway.offer(order)
    #expect(answer.accepted)
  }

  /// Until result and usage were asked so often.
  private func reports(_ count: Int) async -> [ScriptedGateway.Asked] {
    await gateway.asked.wait { $0.filter { $0.kind == .usageReport }.count >= count && $0.filter { $0.kind == .deliveryResult }.count >= count }
  }

  @Test func aContentIsReceivedVerifiedAndReported() async throws {
    try await Living.paired(gateway, inbox: inbox) { element, _ in
      let order = order(picture, for: element.id)
      await gateway.serve(order.content.id, picture)
      try await accept(order)
      let asked = await reports(1)
      let content = ReceivedContent(path: "/inbox/a.png", bytes: 700_000, sha256: digest(picture))
      #expect(element.events.entries.suffix(2) == [.receiving(name: "a.png", size: 700_000), .received(name: "a.png", content)])
      let result = try #require(try results(asked).first)
      #expect(result.state == .delivered && result.bytes == 700_000 && Array(result.sha256) == digest(picture))
      let usage = try #require(asked.first { $0.kind == .usageReport }).message(Cpns_V1_UsageReport.self)
      #expect(usage.consumer == element.id.urn && usage.deliveryID == order.id.urn && usage.bytes == 700_000)
      #expect(usage.serviceType == "content-reception" && usage.capabilities.deviceType == "computer")
    }
    #expect(await inbox.placed.map(\.bytes) == [picture])
  }

  @Test func anEmptyContentIsReceivedToo() async throws {
    try await Living.paired(gateway, inbox: inbox) { element, _ in
      let order = order([], for: element.id)
      await gateway.serve(order.content.id, [])
      try await accept(order)
      await gateway.asked.wait { $0.contains { $0.kind == .deliveryResult } }
    }
    #expect(await inbox.placed.map(\.bytes) == [[]])
  }

  @Test func anAcceptedOfferIsOnDiskBeforeTheAnswer() async throws {
    try await Living.paired(gateway, inbox: inbox) { element, store in
      let order = order(picture, for: element.id)
      await gateway.hold(order.id)
      try await accept(order)
      #expect(await store.state.deliveries.map(\.order) == [order])
    }
  }

  @Test func anOfferThatCannotBeWrittenIsBusy() async throws {
    try await Living.paired(gateway) { element, store in
      await element.events.wait { $0.contains(.registered(gateway.pn)) }
      await store.fill()
      let order = order(picture, for: element.id)
      await #expect(throws: SessionError.refused(code: .busy, detail: "can't be written: no space left on device")) {
        try await gateway.offering(order)
      }
    }
  }

  @Test func aRepeatedOfferHasOneEffectAndIsToldItsResultAgain() async throws {
    try await Living.paired(gateway, inbox: inbox) { element, _ in
      let order = order(picture, for: element.id)
      await gateway.serve(order.content.id, picture)
      try await accept(order)
      try await accept(order)
      _ = await reports(1)
      try await accept(order)
      let asked = await gateway.asked.wait { $0.filter { $0.kind == .deliveryResult }.count == 2 }
      #expect(Set(asked.filter { $0.kind == .deliveryResult }.map(\.idempotency)).count == 1)
      #expect(asked.filter { $0.kind == .usageReport }.count == 1)
    }
    #expect(await inbox.placed.count == 1)
  }

  @Test func whatIsForAnotherOrNotAcceptedHereIsRefused() async throws {
    try await Living.paired(gateway, accepts: ["image/*"]) { element, store in
      await #expect(throws: SessionError.self) { try await gateway.offering(order(picture, for: .random())) }
      let answer = try await gateway.offer(order(picture, for: element.id, type: "video/mp4"))
      #expect(!answer.accepted && answer.reason == "video/mp4 is not accepted here")
      #expect(await store.state.deliveries.isEmpty)
    }
  }

  @Test func aContentGoesOnFromItsLastByteAfterALostLink() async throws {
    try await Living.paired(gateway, inbox: inbox) { element, _ in
      let order = order(picture, for: element.id)
      await gateway.serve(order.content.id, BreakingBytes(picture, breakingAt: 300_000) { [gateway] in try? await gateway.cut() })
      try await accept(order)
      _ = await reports(1)
      let opens = try opens()
      #expect(opens.count == 2 && opens[0] == 0)
      #expect(opens[1] > 0 && opens[1] < 700_000)
      #expect(element.events.entries.contains { if case .linkLost = $0 { true } else { false } })
      #expect(element.events.entries.filter { if case .receiving = $0 { true } else { false } }.count == 1)
    }
    #expect(await inbox.placed.map(\.bytes) == [picture])
  }

  @Test func aContentGoesOnFromItsLastByteAfterARestart() async throws {
    let store = await Living.pairedStore(gateway)
    let order = order(picture, for: await store.state.element)
    let isHalf = Log<Void>()
    let half = BreakingBytes(picture, breakingAt: 300_000) {
      isHalf.add(())
      // Until the element is gone.
      for await _ in AsyncStream<Void>.makeStream().stream {}
    }
    await gateway.serve(order.content.id, half)
    try await Living.run(gateway, store: store, inbox: inbox) { _ in
      try await accept(order)
      await isHalf.wait { !$0.isEmpty }
    }
    await gateway.serve(order.content.id, picture)
    try await Living.run(gateway, store: store, inbox: inbox) { _ in
      _ = await reports(1)
      let opens = try opens()
      #expect(opens.last ?? 0 > 0)
    }
    #expect(await inbox.placed.map(\.bytes) == [picture])
  }

  @Test func aContentWithAnotherHashIsFetchedOnceMoreAndThenFailed() async throws {
    try await Living.paired(gateway, inbox: inbox) { element, _ in
      let order = order(picture, for: element.id, sha256: digest([1]))
      await gateway.serve(order.content.id, picture)
      try await accept(order)
      let asked = await reports(1)
      let result = try #require(try results(asked).first)
      #expect(result.state == .failed && result.reason == "hash-mismatch")
      #expect(try opens() == [0, 0])
      let told = ElementEvent.notReceived(name: "a.png", why: "hash-mismatch: another hash")
      #expect(await element.events.wait { $0.last == told }.last == told)
    }
    #expect(await inbox.placed.isEmpty)
  }

  @Test func moreBytesThanAnnouncedAreNotKept() async throws {
    try await Living.paired(gateway, inbox: inbox) { element, _ in
      var order = order(picture, for: element.id)
      order.content.size = 1000
      await gateway.serve(order.content.id, picture)
      try await accept(order)
      let asked = await gateway.asked.wait { $0.contains { $0.kind == .deliveryResult } }
      #expect(try results(asked).first?.reason == "hash-mismatch")
    }
    #expect(await inbox.placed.isEmpty)
  }

  @Test func aContentThatTheGatewayDoesNotHaveHasFailed() async throws {
    try await Living.paired(gateway) { element, _ in
      try await accept(order(picture, for: element.id))
      let asked = await gateway.asked.wait { $0.contains { $0.kind == .deliveryResult } }
      #expect(try results(asked).first?.reason == "content-gone")
    }
  }

  @Test func aDeliveryThatWaitsForItsTurnDoesNotHoldUpTheNext() async throws {
    try await Living.paired(gateway, inbox: inbox) { element, _ in
      let (first, second) = (order(picture, for: element.id, name: "1"), order([1, 2, 3], for: element.id, name: "2"))
      await gateway.serve(first.content.id, picture)
      await gateway.serve(second.content.id, [1, 2, 3])
      await gateway.hold(first.id)
      try await accept(first)
      try await accept(second)
      let asked = await reports(1)
      #expect(try results(asked).map(\.deliveryID) == [second.id.urn])
    }
  }

  @Test func reportsAreSentAgainWithTheSameIdsUntilTheyAreTaken() async throws {
    await gateway.answer(.deliveryResult, .cutTheLink, .status(.busy))
    await gateway.answer(.usageReport, .cutTheLink)
    let store = await Living.pairedStore(gateway)
    try await Living.run(gateway, store: store, inbox: inbox) { element in
      let order = order(picture, for: element.id)
      await gateway.serve(order.content.id, picture)
      try await accept(order)
      let asked = await gateway.asked.wait { $0.filter { $0.kind == .usageReport }.count == 2 }
      #expect(asked.filter { $0.kind == .deliveryResult }.count == 3)
      for kind in [Cpns_V1_Kind.deliveryResult, .usageReport] {
        #expect(Set(asked.filter { $0.kind == kind }.map(\.idempotency)).count == 1)
      }
    }
    #expect(await inbox.placed.count == 1)
  }

  @Test func reportsThatWereNotTakenAreSentAfterARestart() async throws {
    await gateway.answer(.deliveryResult, .cutTheLink)
    let store = await Living.pairedStore(gateway)
    let order = order(picture, for: await store.state.element)
    await gateway.serve(order.content.id, picture)
    try await Living.run(gateway, store: store, inbox: inbox) { _ in
      try await accept(order)
      await gateway.asked.wait { $0.contains { $0.kind == .deliveryResult } }
    }
    try await Living.run(gateway, store: store, inbox: inbox) { _ in
      let asked = await reports(1)
      #expect(Set(asked.filter { $0.kind == .deliveryResult }.map(\.idempotency)).count == 1)
    }
    #expect(await inbox.placed.count == 1)
  }

  @Test func aReportThatIsRefusedForGoodHoldsUpNothing() async throws {
    await gateway.answer(.deliveryResult, .status(.notFound))
    try await Living.paired(gateway, inbox: inbox) { element, _ in
      let order = order(picture, for: element.id)
      await gateway.serve(order.content.id, picture)
      try await accept(order)
      await gateway.asked.wait { $0.contains { $0.kind == .usageReport } }
      #expect(gateway.asked.entries.filter { $0.kind == .deliveryResult }.count == 1)
    }
  }
}

@Suite struct DeliveryDeskTests {
  private let element = EntityID.random()

  private func desk(_ deliveries: [ReceivedDelivery]) -> DeliveryDesk {
    let state = ElementState(element: element, reception: .random(), deliveries: deliveries)
    return DeliveryDesk(
      state: state, capabilities: DeviceCapabilities(deviceType: "computer", accepts: ["*/*"]), store: MemoryStore(state),
      clock: WallClock { Timestamp(milliseconds: 0) }, logger: quiet)
  }
  private func delivery(ended: Bool = false, taken: Bool = false) -> ReceivedDelivery {
    let order = order([1], for: element)
    let outcome = DeliveryOutcome(delivery: order.id, state: .delivered, bytes: 1)
    let end = ReceivedDelivery.End(outcome: outcome, resultID: .random(), isResultTaken: taken, usage: nil)
    return ReceivedDelivery(order: order, accepted: Timestamp(milliseconds: 0), end: ended ? end : nil)
  }

  @Test func moreThanTheBoundIsBusy() async throws {
    let desk = desk((0..<DeliveryDesk.capacity).map { _ in delivery() })
    let reply = await desk.answer(order([1], for: element))
    #expect(try Cpns_V1_Status(serializedBytes: reply.body).code == .busy)
  }

  @Test func theOldestSettledDeliveriesAreForgotten() async throws {
    let settled = (0..<DeliveryDesk.remembered).map { _ in delivery(ended: true, taken: true) }
    let last = delivery(ended: true)
    let desk = desk(settled + [last])
    let report = try #require(await desk.owed.first)
    await desk.settle(report)
    #expect(await desk.owed.isEmpty)
    // The first is not known any more: it is accepted as a new one.
    _ = await desk.answer(settled[0].order)
    #expect(await desk.pending.map(\.order.id) == [settled[0].order.id])
  }
}
