import CPNSMessages
import CPNSModel
import CPNSSession
import MediaProtocol
import Testing

@testable import GatewayCore

/// Deliveries from a server to a PNE, both played by the test.
@Suite(.timeLimit(.minutes(1))) struct DeliveryTests {
  private let phone = EntityID.random()
  private let bench: Bench
  private let bytes = [UInt8](repeating: 7, count: 1_000)

  init() { bench = Bench(paired: [phone]) }

  private var results: [Cpns_V1_DeliveryResult] { bench.store.outbox.compactMap(\.result) }
  private func offer(_ order: DeliveryOrder) -> Cpns_V1_DeliveryOffer { Cpns_V1_DeliveryOffer(order) }
  private func anOrder(_ consumer: EntityID? = nil, type: String = "video/mp4") -> DeliveryOrder {
    order(bytes, to: consumer ?? phone, type: type, from: bench.server)
  }

  /// The server's link, past its first talk about the inventory.
  private func server() async throws -> Far {
    let server = try await bench.serverLink()
    try await server.takeInventory()
    return server
  }

  /// Takes all that the gateway says of the inventory, until a result comes.
  private func result(_ server: Far) async throws -> Cpns_V1_DeliveryResult {
    while true {
      let request = try await server.next()
      switch request.kind {
      case .deliveryResult:
        try await server.reply(.ok, to: request)
        return try request.decoded()
      case .inventoryChanges:
        var taken = Cpns_V1_InventoryResult()
        taken.revision = try request.decoded(as: Cpns_V1_InventoryChanges.self).revision
        try await server.reply(.inventoryResult, taken, to: request)
      default: continue
      }
    }
  }

  // MARK: The whole way

  @Test func aContentGoesFromTheServerToThePNEAndItsResultBack() async throws {
    try await bench.run { _ in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      let order = anOrder()
      let answer: Cpns_V1_DeliveryAnswer = try await server.ask(.deliveryOffer, offer(order)).decoded()
      #expect(answer.accepted)
      let open = try await server.serve(bytes)
      #expect(open.deliveryID == order.id.urn && open.offset == 0)
      let offered = try await pne.accept()
      #expect(offered.deliveryID == order.id.urn)
      #expect(try await pne.fetch(offered) == bytes)
      #expect(try await pne.conclude(offered, bytes: bytes) == .ok)
      // The end and the message that tells it are one commit.
      let ending = bench.store.now.commits.first { $0.contains { if case .putDelivery(let record) = $0 { record.state.isFinal } else { false } } }
      #expect(ending?.count == 2)
      let told = try await result(server)
      #expect(told.state == .delivered && told.deliveryID == order.id.urn && told.bytes == 1_000)
    }
  }

  @Test func anOfferIsOnDiskBeforeItIsAnswered() async throws {
    try await bench.run { _ in
      let server = try await server()
      _ = try await bench.registered(phone)
      let order = anOrder()
      bench.store.failWrites()
      #expect(try await server.code(.deliveryOffer, offer(order)) == .busy)
      bench.store.failWrites(nil)
      #expect(try await server.ask(.deliveryOffer, offer(order)).kind == .deliveryAnswer)
      #expect(bench.store.now.deliveries[order.id] != nil)
    }
  }

  @Test func anOfferForNobodyIsNotFound() async throws {
    try await bench.run { _ in
      let server = try await server()
      #expect(try await server.code(.deliveryOffer, offer(anOrder(.random()))) == .notFound)
    }
  }

  // MARK: One effect

  @Test func aRepeatedOfferHasNoSecondEffect() async throws {
    try await bench.run { gateway in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      let order = anOrder()
      for _ in 0..<3 { #expect(try await server.ask(.deliveryOffer, offer(order)).kind == .deliveryAnswer) }
      #expect(await gateway.deliveries.allLive.count == 1)
      try await server.serve(bytes)
      let offered = try await pne.accept()
      #expect(try await pne.conclude(offered, bytes: bytes) == .ok)
      #expect(try await result(server).state == .delivered)
      // And once more after its end: its result comes again, the content does not.
      #expect(try await server.ask(.deliveryOffer, offer(order)).kind == .deliveryAnswer)
      let again = try await result(server)
      #expect(again.state == .delivered && again.bytes == 1_000)
      #expect(await gateway.deliveries.allLive.isEmpty)
    }
  }

  @Test func anOfferThatComesTwiceAtOnceIsOneDelivery() async throws {
    try await bench.run { gateway in
      let server = try await server()
      _ = try await bench.registered(phone)
      let events = gateway.journal.watch()
      let order = anOrder()
      bench.store.hold()
      let first = try await server.post(.deliveryOffer, offer(order))
      let second = try await server.post(.deliveryOffer, offer(order))
      await settle()
      bench.store.release()
      _ = try await (server.answer(to: first), server.answer(to: second))
      #expect(try await server.ask(.deliveryOffer, offer(order)).kind == .deliveryAnswer)
      gateway.journal.tell(.enrolled, "the end")
      var accepted = 0
      for await event in events {
        if event.kind == .enrolled { break }
        if event.kind == .deliveryAccepted { accepted += 1 }
      }
      #expect(accepted == 1)
    }
  }

  @Test func aResultThatComesTwiceAtOnceIsToldOnce() async throws {
    try await bench.run { _ in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      _ = try await server.ask(.deliveryOffer, offer(anOrder()))
      try await server.serve(bytes)
      let offered = try await pne.accept()
      var result = Cpns_V1_DeliveryResult()
      result.deliveryID = offered.deliveryID
      result.state = .delivered
      bench.store.hold()
      let (first, second) = (try await pne.post(.deliveryResult, result), try await pne.post(.deliveryResult, result))
      await settle()
      bench.store.release()
      _ = try await (pne.answer(to: first), pne.answer(to: second))
      #expect(try await pne.code(.deliveryResult, result) == .ok)
      let ends = bench.store.now.commits.joined().filter { if case .putDelivery(let record) = $0 { record.state.isFinal } else { false } }
      #expect(ends.count == 1)
    }
  }

  @Test func noMoreThanTheBoundAreTakenHoweverManyComeAtOnce() async throws {
    let away = [entry(.random(), "a", .offline), entry(.random(), "b", .offline)]
    let others = (0..<250).map { record(order([1], to: away[$0 % 2].id, from: self.bench.server)) }
    let bench = Bench(paired: [phone], entries: away + [entry(phone, "phone", .offline)], deliveries: others)
    try await bench.run { gateway in
      let server = try await bench.serverLink()
      try await server.takeInventory()
      await eventually("it is quiet") { bench.store.outbox.isEmpty }
      bench.store.hold()
      for _ in 0..<20 { try await server.post(.deliveryOffer, offer(order(bytes, to: phone, from: bench.server))) }
      await settle()
      bench.store.release()
      await eventually("they are decided on") { await gateway.deliveries.allLive.count >= DeliveryService.capacity }
      await settle()
      #expect(await gateway.deliveries.allLive.count <= DeliveryService.capacity)
    }
  }

  // MARK: Order

  @Test func deliveriesToOnePNEGoOneAfterTheOther() async throws {
    try await bench.run { _ in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      let orders = [anOrder(), anOrder()]
      for order in orders { _ = try await server.ask(.deliveryOffer, offer(order)) }
      for order in orders {
        let open = try await server.serve(bytes)
        #expect(open.deliveryID == order.id.urn)
        let offered = try await pne.accept()
        #expect(offered.deliveryID == order.id.urn)
        #expect(try await pne.conclude(offered, bytes: bytes) == .ok)
      }
    }
  }

  @Test func deliveriesToDifferentPNEsGoSideBySide() async throws {
    let tablet = EntityID.random()
    let bench = Bench(paired: [phone, tablet])
    try await bench.run { _ in
      let server = try await bench.serverLink()
      try await server.takeInventory()
      let pnes = [try await bench.registered(phone), try await bench.registered(tablet, "tablet")]
      for pne in pnes { _ = try await server.ask(.deliveryOffer, offer(order(bytes, to: pne.id, from: bench.server))) }
      // Both are asked for before either is given.
      let opens = [try await server.next(.contentOpen), try await server.next(.contentOpen)]
      #expect(Set(try opens.map { try $0.decoded(as: Cpns_V1_ContentOpen.self).deliveryID }).count == 2)
      for pne in pnes { _ = try await pne.next(.deliveryOffer) }
    }
  }

  // MARK: Restart

  @Test func afterARestartADeliveryBeginsAgainWhereItsContentWas() async throws {
    let order = anOrder()
    let bench = Bench(paired: [phone], entries: [entry(phone, "phone")], deliveries: [record(order, attempts: 3)])
    try await bench.stages.open(order.content).append(Array(bytes.prefix(400)), at: 0)
    try await bench.run { _ in
      let server = try await bench.serverLink()
      let pne = try await bench.registered(phone)
      #expect(try await server.serve(bytes).offset == 400)
      let offered = try await pne.accept()
      #expect(try await pne.fetch(offered) == bytes)
      #expect(bench.store.now.deliveries[order.id]?.attempts == 4)
    }
  }

  @Test func whatWasBegunTwentyTimesIsGivenUp() async throws {
    let order = anOrder()
    let bench = Bench(paired: [phone], entries: [entry(phone, "phone")], deliveries: [record(order, attempts: 20)])
    try await bench.run { _ in
      _ = try await bench.registered(phone)
      await eventually("it is given up") { bench.store.outbox.compactMap(\.result).first?.reason == "given-up" }
      #expect(bench.store.now.deliveries[order.id]?.state == .failed)
    }
  }

  @Test func waitingForAPNEThatIsOfflineIsNoAttempt() async throws {
    let order = anOrder()
    let bench = Bench(paired: [phone], entries: [entry(phone, "phone", .offline)], deliveries: [record(order, attempts: 20)])
    try await bench.run { gateway in
      await settle()
      #expect(await gateway.deliveries.isLive(order.id))
      #expect(bench.store.now.deliveries[order.id]?.attempts == 20)
    }
  }

  // MARK: The content

  @Test func aContentWithAnotherHashIsFetchedOnceMoreAndThenFails() async throws {
    try await bench.run { _ in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      let order = anOrder()
      _ = try await server.ask(.deliveryOffer, offer(order))
      let wrong = [UInt8](repeating: 8, count: bytes.count)
      #expect(try await server.serve(wrong).offset == 0)
      #expect(try await server.serve(wrong).offset == 0)
      let told = try await result(server)
      #expect(told.state == .failed && told.reason == "hash-mismatch")
      _ = pne
    }
  }

  @Test func aContentThatIsWrongOnceIsRightTheSecondTime() async throws {
    try await bench.run { _ in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      let order = anOrder()
      _ = try await server.ask(.deliveryOffer, offer(order))
      try await server.serve([UInt8](repeating: 8, count: bytes.count))
      try await server.serve(bytes)
      await eventually("it is whole") { bench.stages.content(order.content.id)?.isWhole == true }
      #expect(try await pne.fetch(pne.accept()) == bytes)
    }
  }

  @Test(arguments: [Cpns_V1_Code.notFound, .refused, .unsupported])
  func aContentThatTheServerWillNotGiveFailsTheDelivery(code: Cpns_V1_Code) async throws {
    try await bench.run { _ in
      let server = try await server()
      _ = try await bench.registered(phone)
      _ = try await server.ask(.deliveryOffer, offer(anOrder()))
      try await server.reply(code, "no", to: await server.next(.contentOpen))
      #expect(try await result(server).reason == "content-gone")
    }
  }

  @Test func aServerThatBreaksOffEachTimeIsGivenUpOn() async throws {
    try await bench.run { _ in
      let server = try await server()
      _ = try await bench.registered(phone)
      _ = try await server.ask(.deliveryOffer, offer(anOrder()))
      let told = try await bench.timer.passing {
        while true {
          let request = try await server.next()
          switch request.kind {
          case .contentOpen: try await server.reply(.internal, "a fault", to: request)
          case .deliveryResult: return try request.decoded(as: Cpns_V1_DeliveryResult.self)
          case .inventoryChanges:
            var taken = Cpns_V1_InventoryResult()
            taken.revision = try request.decoded(as: Cpns_V1_InventoryChanges.self).revision
            try await server.reply(.inventoryResult, taken, to: request)
          default: continue
          }
        }
      }
      #expect(told.state == .failed && told.reason == "content-unreachable")
    }
  }

  @Test func aLostUplinkIsWaitedForAndTheContentResumed() async throws {
    try await bench.run { _ in
      let server = try await server()
      _ = try await bench.registered(phone)
      let order = anOrder()
      _ = try await server.ask(.deliveryOffer, offer(order))
      let request = try await server.next(.contentOpen)
      var opened = Cpns_V1_ContentOpened()
      opened.stream = try request.decoded(as: Cpns_V1_ContentOpen.self).stream
      try await server.reply(.contentOpened, opened, to: request)
      try await server.send(Array(bytes.prefix(300)), on: opened.stream, at: 0, last: false)
      await eventually("it is staged") { bench.stages.content(order.content.id)?.available == 300 }
      await server.close()
      let again = try await bench.nextServerLink()
      #expect(try await bench.timer.passing { try await again.serve(bytes).offset } == 300)
    }
  }

  @Test func aFullDiskFailsTheDeliveryInWords() async throws {
    bench.stages.failWriting(.full("the content quota is used up"))
    try await bench.run { _ in
      let server = try await server()
      _ = try await bench.registered(phone)
      _ = try await server.ask(.deliveryOffer, offer(anOrder()))
      try await server.serve(bytes)
      // The holder's place for the stream is free again.
      #expect(try await server.next(.contentClose).kind == .contentClose)
      let told = try await result(server)
      #expect(told.reason == "no-room" && told.detail.contains("quota"))
    }
  }

  @Test func aStageThatCantBeOpenedFailsTheDelivery() async throws {
    bench.stages.failOpening(.io("the disk is gone"))
    try await bench.run { _ in
      let server = try await server()
      _ = try await bench.registered(phone)
      _ = try await server.ask(.deliveryOffer, offer(anOrder()))
      #expect(try await result(server).reason == "storage")
    }
  }

  // MARK: The consumer

  @Test func aDeliveryWaitsForItsPNE() async throws {
    let bench = Bench(paired: [phone], entries: [entry(phone, "phone", .offline)])
    try await bench.run { _ in
      let server = try await bench.serverLink()
      try await server.takeInventory()
      _ = try await server.ask(.deliveryOffer, offer(order(bytes, to: phone, from: bench.server)))
      await settle()
      let pne = try await bench.registered(phone)
      try await server.serve(bytes)
      #expect(try await pne.fetch(pne.accept()) == bytes)
    }
  }

  @Test func deliveriesToAPNEThatDoesNotComeInADayFailTogether() async throws {
    let orders = [anOrder(), anOrder(), anOrder()]
    let bench = Bench(paired: [phone], entries: [entry(phone, "phone", .offline)], deliveries: orders.map { record($0) })
    try await bench.run { gateway in
      await bench.timer.pass(.seconds(24 * 3600))
      await eventually("all have failed") { bench.store.outbox.compactMap(\.result).filter { $0.reason == "consumer-offline" }.count == 3 }
      #expect(await gateway.deliveries.allLive.isEmpty)
    }
  }

  @Test func aPNEThatTookAnOfferAndWentAwayForADayHasFailed() async throws {
    try await bench.run { _ in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      let order = anOrder()
      _ = try await server.ask(.deliveryOffer, offer(order))
      try await server.serve(bytes)
      try await pne.accept()
      await pne.close()
      await bench.timer.pass(.seconds(24 * 3600))
      await eventually("it has failed") { bench.store.now.deliveries[order.id]?.state == .failed }
    }
  }

  @Test func anOfferGoesAgainOnTheNextLink() async throws {
    try await bench.run { _ in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      _ = try await server.ask(.deliveryOffer, offer(anOrder()))
      try await server.serve(bytes)
      let first = try await pne.next(.deliveryOffer)
      await pne.close()
      let back = try await bench.registered(phone)
      let again = try await back.next(.deliveryOffer)
      #expect(again.idempotencyID == first.idempotencyID && again.body == first.body)
    }
  }

  @Test func anOfferThatIsAnsweredBusyGoesAgainOnTheSameLink() async throws {
    try await bench.run { _ in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      _ = try await server.ask(.deliveryOffer, offer(anOrder()))
      try await server.serve(bytes)
      try await pne.reply(.busy, "later", to: await pne.next(.deliveryOffer))
      #expect(try await bench.timer.passing { try await pne.fetch(pne.accept()) } == bytes)
    }
  }

  @Test func aPNEThatRegistersInOneGoWithItsHelloIsOffered() async throws {
    for _ in 0..<20 {
      let order = anOrder()
      let bench = Bench(paired: [phone], entries: [entry(phone, "phone", .offline)], deliveries: [record(order)])
      try await bench.run { _ in
        let pne = try #require(bench.listener.connect("eukey:\(phone.urn):1", key: Bench.key(of: phone), as: phone))
        try await pne.helloAndRegister()
        try await pne.accept()
      }
    }
  }

  @Test func aPNEThatDoesNotWantItSaysWhy() async throws {
    try await bench.run { _ in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      _ = try await server.ask(.deliveryOffer, offer(anOrder()))
      try await server.serve(bytes)
      var answer = Cpns_V1_DeliveryAnswer()
      answer.reason = "no space left"
      try await pne.reply(.deliveryAnswer, answer, to: await pne.next(.deliveryOffer))
      let told = try await result(server)
      #expect(told.reason == "consumer-refused" && told.detail == "no space left")
    }
  }

  @Test func aPNEThatLeavesTakesItsDeliveriesAlong() async throws {
    try await bench.run { gateway in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      for _ in 0..<2 { _ = try await server.ask(.deliveryOffer, offer(anOrder())) }
      try await server.serve(bytes)
      try await pne.accept()
      #expect(try await pne.code(.deregistration, Cpns_V1_Deregistration()) == .ok)
      #expect(try await [result(server).state, result(server).state] == [.failed, .failed])
      #expect(await gateway.deliveries.allLive.isEmpty)
    }
  }

  @Test func whatIsNotForAPNEIsNotFound() async throws {
    let tablet = EntityID.random()
    let bench = Bench(paired: [phone, tablet])
    try await bench.run { _ in
      let server = try await bench.serverLink()
      try await server.takeInventory()
      let (pne, other) = (try await bench.registered(phone), try await bench.registered(tablet, "tablet"))
      _ = try await server.ask(.deliveryOffer, offer(order(bytes, to: phone, from: bench.server)))
      try await server.serve(bytes)
      let offered = try await pne.accept()
      var open = Cpns_V1_ContentOpen()
      open.contentID = offered.content.contentID
      open.deliveryID = offered.deliveryID
      open.credit = 1
      #expect(try await other.code(.contentOpen, open) == .notFound)
      #expect(try await other.conclude(offered, bytes: []) == .notFound)
      open.contentID = ContentID.random().urn
      #expect(try await pne.code(.contentOpen, open) == .notFound)
      open.contentID = offered.content.contentID
      open.credit = 0
      #expect(try await pne.code(.contentOpen, open) == .malformed)
    }
  }

  @Test func progressOfAnySizeIsTaken() async throws {
    try await bench.run { gateway in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      let order = anOrder()
      _ = try await server.ask(.deliveryOffer, offer(order))
      try await server.serve(bytes)
      try await pne.accept()
      var progress = Cpns_V1_DeliveryProgress()
      progress.deliveryID = order.id.urn
      progress.state = .playing
      for bytes in [UInt64.max, 0, .max, 1] {
        progress.bytes = bytes
        try await pne.tell(.deliveryProgress, progress)
      }
      #expect(try await pne.code(.statusReport, Cpns_V1_StatusReport()) == .malformed)
      #expect(await gateway.deliveries.isLive(order.id))
    }
  }

  // MARK: The disk fails

  @Test func aResultThatIsNotWrittenIsWrittenLaterAndTheNextGoesOn() async throws {
    try await bench.run { gateway in
      let (server, pne) = (try await server(), try await bench.registered(phone))
      let orders = [anOrder(), anOrder()]
      for order in orders { _ = try await server.ask(.deliveryOffer, offer(order)) }
      let open = try await server.next(.contentOpen)
      bench.store.failWrites()
      try await server.reply(.notFound, "gone", to: open)
      await eventually("it can't be written") { gateway.health.all.contains { $0.code == .storeUnavailable } }
      await settle()
      #expect(await gateway.deliveries.isLive(orders[0].id))
      bench.store.failWrites(nil)
      let told = try await bench.timer.passing { try await result(server) }
      #expect(told.deliveryID == orders[0].id.urn && told.reason == "content-gone")
      try await server.serve(bytes)
      // It was offered the first too, while that was being fetched.
      let offers = [try await pne.accept(), try await pne.accept()]
      #expect(offers.map(\.deliveryID) == orders.map(\.id.urn))
    }
  }

  // MARK: Several of one content

  @Test func oneDeliveryThatEndsDoesNotDisturbAnotherOfTheSameContent() async throws {
    let tablet = EntityID.random()
    let bench = Bench(paired: [phone, tablet])
    try await bench.run { _ in
      let server = try await bench.serverLink()
      try await server.takeInventory()
      let (pne, other) = (try await bench.registered(phone), try await bench.registered(tablet, "tablet"))
      let order = order(bytes, to: phone, from: bench.server)
      let second = DeliveryOrder(id: .random(), content: order.content, consumer: tablet, offeredBy: bench.server)
      for order in [order, second] { _ = try await server.ask(.deliveryOffer, offer(order)) }
      var answer = Cpns_V1_DeliveryAnswer()
      answer.reason = "no"
      try await pne.reply(.deliveryAnswer, answer, to: await pne.next(.deliveryOffer))
      await eventually("the first has ended") { bench.store.now.deliveries[order.id]?.state == .failed }
      let offered = try await other.accept()
      async let received = other.fetch(offered)
      try await server.serve(bytes)
      try await server.serve(bytes)
      #expect(try await received == bytes)
    }
  }
}

extension Far {
  /// Says Hello and registers without waiting for anything in between, as a peer in a hurry does.
  func helloAndRegister() async throws {
    var hello = Cpns_V1_Hello()
    hello.protocolVersions = [1]
    hello.entityID = id.urn
    hello.modes = [.pne]
    try await tell(.hello, hello)
    try await post(.registration, Bench.registration())
  }
}
