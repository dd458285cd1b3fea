import AdminProtocol
import CPNSMessages
import CPNSModel
import Testing

@testable import GatewayCore

/// Pieces of a content that somebody sends; then the end, or an error.
struct Pieces: AsyncSequence, Sendable {
  struct Cut: Error {}
  var pieces: [[UInt8]]
  var isCut = false

  struct AsyncIterator: AsyncIteratorProtocol {
    var rest: [[UInt8]]
    let isCut: Bool
    mutating func next() async throws -> [UInt8]? {
      if rest.isEmpty, isCut { throw Cut() }
      return rest.isEmpty ? nil : rest.removeFirst()
    }
  }
  func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: pieces, isCut: isCut) }
}

@Suite struct PushTests {
  let phone = EntityID.random()
  let laptop = EntityID.random()
  let pieces = Pieces(pieces: [[1, 2, 3], [4, 5]])

  func refused(_ code: AdminFailure.Code, _ body: () async throws -> Void, _ location: SourceLocation = #_sourceLocation) async {
    await #expect(sourceLocation: location) { try await body() } throws: { ($0 as? AdminFailure)?.code == code }
  }

  @Test func aPushedContentReachesThePNEAndLeavesTheStage() async throws {
    let bench = Bench(paired: [phone])
    try await bench.run { gateway in
      let administration = Administration(gateway: gateway)
      let far = try await bench.registered(phone)
      let content = try await administration.stage(name: "clip.mp4", mediaType: "Video/MP4; x=1", size: 5, from: pieces)
      #expect(content.size == 5 && content.mediaType == "video/mp4" && content.sha256?.count == 64)
      let accepted = try await administration.deliver(DeliveryRequest(consumer: phone, source: .staged(content.contentID)))
      #expect(accepted.source == .administrator && accepted.consumerName == "phone" && accepted.offeredBy == gateway.id)
      let offer = try await far.accept()
      #expect(try await far.fetch(offer) == [1, 2, 3, 4, 5])
      #expect(try await far.conclude(offer, bytes: [1, 2, 3, 4, 5]) == .ok)
      await eventually("the stage is removed") { bench.stages.removed == [content.contentID] }
      let ended = try await administration.delivery(accepted.deliveryID.urn)
      #expect(ended.state == .delivered && ended.bytes == 5 && ended.ended != nil && ended.reason == nil)
      #expect(try await administration.deliveries(limit: 10).deliveries == [ended])
      #expect(try await administration.status().liveDeliveries == 0)
    }
  }

  @Test func aContentThatGoesToTwoPNEsIsStagedUntilBothHaveIt() async throws {
    let bench = Bench(paired: [phone, laptop])
    try await bench.run { gateway in
      let administration = Administration(gateway: gateway)
      let first = try await bench.registered(phone), second = try await bench.registered(laptop, "laptop")
      let content = try await administration.stage(name: "a", mediaType: "a/b", size: nil, from: pieces).contentID
      for consumer in [phone, laptop] { _ = try await administration.deliver(DeliveryRequest(consumer: consumer, source: .staged(content))) }
      let offer = try await first.accept(), other = try await second.accept()
      #expect(try await first.conclude(offer, bytes: [1]) == .ok)
      await settle()
      #expect(bench.stages.removed.isEmpty)
      #expect(try await second.fetch(other) == [1, 2, 3, 4, 5])
      #expect(try await second.conclude(other, bytes: [1]) == .ok)
      await eventually("the stage is removed") { bench.stages.removed == [content] }
    }
  }

  @Test func aContentThatIsNotThereAnyMoreIsToldBeforeAnythingIsAccepted() async throws {
    let bench = Bench(entries: [entry(phone)])
    let administration = Administration(gateway: try await bench.prepare())
    await refused(.notFound) { _ = try await administration.deliver(DeliveryRequest(consumer: phone, source: .staged(.random()))) }
    let content = try await administration.stage(name: "a", mediaType: "a/b", size: nil, from: pieces).contentID
    await bench.stages.remove(content)  // evicted
    await refused(.notFound) { _ = try await administration.deliver(DeliveryRequest(consumer: phone, source: .staged(content))) }
    await refused(.notFound) { _ = try await administration.deliver(DeliveryRequest(consumer: laptop, source: .staged(content))) }
    #expect(try await administration.deliveries(limit: 10).deliveries.isEmpty)
  }

  @Test func contentsThatAreNeverPushedGoWhenThereAreManyTheOldestFirst() async throws {
    let bench = Bench()
    let administration = Administration(gateway: try await bench.prepare())
    var staged: [ContentID] = []
    for _ in 0..<StagedContents.most + 2 { staged.append(try await administration.stage(name: "a", mediaType: "a/b", size: nil, from: pieces).contentID) }
    #expect(bench.stages.removed == Array(staged.prefix(2)))
  }

  @Test func anUploadThatIsCutOrFindsNoRoomLeavesNothing() async throws {
    let bench = Bench()
    let administration = Administration(gateway: try await bench.prepare())
    await #expect(throws: Pieces.Cut.self) {
      _ = try await administration.stage(name: "a", mediaType: "a/b", size: 9, from: Pieces(pieces: [[1]], isCut: true))
    }
    await refused(.badRequest) { _ = try await administration.stage(name: "a", mediaType: "a/b", size: 9, from: pieces) }
    bench.stages.failWriting(.full("the disk is full"))
    await refused(.noRoom) { _ = try await administration.stage(name: "a", mediaType: "a/b", size: nil, from: pieces) }
    #expect(bench.stages.removed.count == 3)
  }

  @Test(arguments: ["", ".", "..", "a/b", "/", "a\u{0}", "a\nb", "\u{7F}", String(repeating: "x", count: 129)])
  func aNameThatNoFileCouldHaveIsRefused(_ name: String) async throws {
    let administration = Administration(gateway: try await Bench().prepare())
    await refused(.badRequest) { _ = try await administration.stage(name: name, mediaType: "a/b", size: nil, from: pieces) }
  }

  @Test(arguments: ["", "video", "video/", "/mp4", "a/b/c", "*/*", "*", "a/b:c", "a/b\u{0}", "vidéo/mp4", String(repeating: "x", count: 100) + "/" + String(repeating: "y", count: 100)])
  func aMediaTypeThatIsNoneIsRefused(_ type: String) async throws {
    let administration = Administration(gateway: try await Bench().prepare())
    await refused(.badRequest) { _ = try await administration.stage(name: "a", mediaType: type, size: nil, from: pieces) }
  }

  @Test func aPushThatWaitedOverARestartIsHeldAndDelivered() async throws {
    var order = order([1, 2, 3], to: phone, from: laptop)
    order.content.sha256 = nil
    let bench = Bench(paired: [phone], entries: [entry(phone, .offline)], deliveries: [record(order, source: .staged)])
    let stage = try await bench.stages.open(order.content)
    try await stage.append([1, 2, 3], at: 0)
    try await stage.finish()
    try await bench.run { gateway in
      await eventually("the stage is held") { await gateway.deliveries.stage(of: order.id, for: phone) != nil }
      let far = try await bench.registered(phone)
      let offer = try await far.accept()
      #expect(try await far.fetch(offer) == [1, 2, 3])
    }
  }

  @Test func aPushWhoseContentWasLostFailsInWords() async throws {
    let order = order([1, 2, 3], to: phone, from: laptop)
    let bench = Bench(entries: [entry(phone)], deliveries: [record(order, source: .staged)])
    try await bench.run { gateway in
      await eventually("it has failed") { await !gateway.deliveries.isLive(order.id) }
      let ended = try await Administration(gateway: gateway).delivery(order.id.urn)
      #expect(ended.state == .failed && ended.reason == "content-gone" && ended.detail?.contains("push it again") == true)
      #expect(bench.store.outbox.isEmpty)
    }
  }
}

private func entry(_ id: EntityID, _ availability: Availability) -> InventoryEntry { entry(id, "phone", kind: .pne, availability) }
