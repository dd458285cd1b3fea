import CPNSMessages
import CPNSModel
import CPNSSession
import ServerCore
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ContentTests {
  private let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

  private func open(_ delivery: ServerDelivery, stream: UInt32, offset: UInt64 = 0, credit: UInt32) -> [UInt8] {
    var open = Cpns_V1_ContentOpen()
    open.contentID = delivery.order.content.id.urn
    open.deliveryID = delivery.order.id.urn
    open.offset = offset
    open.credit = credit
    open.stream = stream
    return open.bytes
  }

  private func credit(_ stream: UInt32, _ count: UInt32) -> [UInt8] {
    var credit = Cpns_V1_ContentCredit()
    credit.stream = stream
    credit.bytes = count
    return credit.bytes
  }

  private func close(_ stream: UInt32) -> [UInt8] {
    var close = Cpns_V1_ContentClose()
    close.stream = stream
    return close.bytes
  }

  /// What comes on one stream, until its last chunk or `count` bytes.
  private func take(_ handler: FakeGateway, stream: UInt32, from offset: UInt64 = 0, count: Int = .max) async throws -> (bytes: [UInt8], last: Bool) {
    var got: [UInt8] = []
    for await envelope in handler.notifications where envelope.kind == .contentChunk {
      let chunk = try envelope.decoded(as: Cpns_V1_ContentChunk.self)
      guard chunk.stream == stream else { continue }
      #expect(chunk.offset == offset + UInt64(got.count))
      #expect(chunk.data.count <= Limits.chunk)
      got += chunk.data
      if chunk.last || got.count >= count { return (got, chunk.last) }
    }
    return (got, false)
  }

  private func scene(_ bench: Bench, _ server: Server) async throws -> (GatewayRecord, ServerDelivery) {
    let gateway = try await bench.gateway()
    let tv = try await bench.device(in: gateway.pn)
    let content = try await bench.upload(bytes, to: server)
    return (gateway, try await server.deliver(content.description.id, to: tv.id).delivery)
  }

  @Test func contentFlowsWithinItsCredit() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, delivery) = try await scene(bench, server)
      let handler = FakeGateway()
      try await bench.link(as: gateway.id, nil, handler) { (session: Session) async throws in
        let answer = try await session.request(.contentOpen, open(delivery, stream: 5, credit: 100_000))
        let opened = try answer.decoded(as: Cpns_V1_ContentOpened.self)
        #expect(opened.stream == 5 && opened.size == 200_000)
        let first = try await take(handler, stream: 5, count: 100_000)
        #expect(first.bytes == Array(bytes[..<100_000]) && !first.last)
        try await session.notify(.contentCredit, credit(5, 500_000))
        let rest = try await take(handler, stream: 5, from: 100_000)
        #expect(rest.bytes == Array(bytes[100_000...]) && rest.last)
      }
    }
  }

  @Test func aReceiverResumesWhereItIs() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, delivery) = try await scene(bench, server)
      let first = FakeGateway(), second = FakeGateway()
      try await bench.link(as: gateway.id, nil, first) { (session: Session) async throws in
        _ = try await session.request(.contentOpen, open(delivery, stream: 1, credit: 70_000))
        _ = try await take(first, stream: 1, count: 70_000)
      }
      try await bench.link(as: gateway.id, nil, second) { (session: Session) async throws in
        _ = try await session.request(.contentOpen, open(delivery, stream: 1, offset: 70_000, credit: 1 << 20))
        #expect(try await take(second, stream: 1, from: 70_000).bytes == Array(bytes[70_000...]))
        _ = try await session.request(.contentOpen, open(delivery, stream: 2, offset: 200_000, credit: 1))
        let end = try await take(second, stream: 2, from: 200_000)
        #expect(end.bytes.isEmpty && end.last)
      }
    }
  }

  @Test func aSlowReaderHoldsUpNobody() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, delivery) = try await scene(bench, server)
      let handler = FakeGateway()
      try await bench.link(as: gateway.id, nil, handler) { (session: Session) async throws in
        _ = try await session.request(.contentOpen, open(delivery, stream: 1, credit: 1))
        _ = try await session.request(.contentOpen, open(delivery, stream: 2, credit: 1 << 20))
        #expect(try await take(handler, stream: 2).bytes == bytes)
      }
    }
  }

  @Test func aStreamThatWasClosedSendsNothingMoreAndItsNumberIsFree() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, delivery) = try await scene(bench, server)
      let handler = FakeGateway()
      try await bench.link(as: gateway.id, nil, handler) { (session: Session) async throws in
        _ = try await session.request(.contentOpen, open(delivery, stream: 1, credit: 10))
        _ = try await take(handler, stream: 1, count: 10)
        #expect(try await session.code(.contentOpen, open(delivery, stream: 1, credit: 10)) == .busy)
        try await session.notify(.contentClose, close(1))
        _ = try await session.request(.contentOpen, open(delivery, stream: 1, offset: 199_990, credit: 100))
        #expect(try await take(handler, stream: 1, from: 199_990).bytes == Array(bytes[199_990...]))
      }
    }
  }

  @Test func boundsOfContentOpenHold() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, delivery) = try await scene(bench, server)
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        #expect(try await session.code(.contentOpen, open(delivery, stream: 1, credit: 0)) == .malformed)
        #expect(try await session.code(.contentOpen, open(delivery, stream: 1, credit: UInt32(Limits.maximumCredit) + 1)) == .malformed)
        #expect(try await session.code(.contentOpen, open(delivery, stream: 1, offset: 200_001, credit: 1)) == .malformed)
        #expect(try await session.code(.contentOpen, []) == .malformed)
        for stream in 0..<UInt32(Limits.streams) { #expect(try await session.code(.contentOpen, open(delivery, stream: stream, credit: 1)) == .ok) }
        #expect(try await session.code(.contentOpen, open(delivery, stream: 99, credit: 1)) == .busy)
        // More credit than may be open ends the stream.
        try await session.notify(.contentCredit, credit(0, UInt32(Limits.maximumCredit)))
        try await session.notify(.contentCredit, credit(7_777, 1))
        // Its sender notices in its own time.
        let limit = ContinuousClock.now + .seconds(20)
        var code = Cpns_V1_Code.busy
        while code == .busy, ContinuousClock.now < limit { code = try await session.code(.contentOpen, open(delivery, stream: 99, credit: 1)) }
        #expect(code == .ok)
      }
    }
  }

  @Test func theRightToReadEndsWithTheDelivery() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, delivery) = try await scene(bench, server)
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        _ = try await session.code(.deliveryResult, Cpns_V1_DeliveryResult(DeliveryOutcome(delivery: delivery.order.id, state: .delivered, bytes: 1)).bytes)
        #expect(try await session.code(.contentOpen, open(delivery, stream: 1, credit: 1)) == .notFound)
      }
    }
  }

  // MARK: Applications

  @Test func aContentThatIsBeingDeliveredStays() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let (gateway, delivery) = try await scene(bench, server)
      let content = delivery.order.content.id
      await #expect { try await server.removeContent(content) } throws: { if case .conflict = $0 as? ServerFailure { true } else { false } }
      try await bench.link(as: gateway.id) { (session: Session) async throws in
        _ = try await session.code(.deliveryResult, Cpns_V1_DeliveryResult(DeliveryOutcome(delivery: delivery.order.id, state: .delivered, bytes: 1)).bytes)
      }
      try await server.removeContent(content)
      #expect(bench.contents.held.withLock { $0.isEmpty })
      await #expect(throws: ServerFailure.notFound("content \(content)")) { try await server.removeContent(content) }
      #expect(try await server.delivery(delivery.order.id).delivery.order.content.id == content)
    }
  }

  @Test func aContentWhoseRecordCantBeWrittenIsNotKept() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let upload = try await server.receive(name: "a", mediaType: "a/b", size: nil)
      try await upload.append([1])
      bench.store.fail(true)
      await #expect { try await upload.finish() } throws: { if case .unavailable = $0 as? ServerFailure { true } else { false } }
      #expect(bench.contents.held.withLock { $0.isEmpty })
    }
  }

  @Test(arguments: [("", "a/b"), ("a/b", "a/b"), ("a\u{7}", "a/b"), (String(repeating: "n", count: 129), "a/b"), ("a", "video"), ("a", "video/*"), ("a", "a/b/c")])
  func whatIsNoNameOrNoTypeIsRefused(name: String, type: String) async throws {
    try await Bench.run { (_: Bench, server: Server) async throws in
      await #expect { try await server.receive(name: name, mediaType: type, size: 1) } throws: { if case .invalid = $0 as? ServerFailure { true } else { false } }
    }
  }

  @Test func servicesArePublishedFoundAndRemoved() async throws {
    try await Bench.run { (bench: Bench, server: Server) async throws in
      let gateway = try await bench.gateway()
      let tv = try await bench.device("TV", in: gateway.pn)
      let radio = try await server.publish(ServiceDraft(name: "Radio", type: "streaming", keywords: ["Jazz"], requiredMediaTypes: ["audio/mpeg"]))
      #expect(radio.description.offeredBy == server.id)
      #expect(try await server.services(matching: "jAZZ radio", ListPage(limit: 9)).items == [radio])
      #expect(try await server.services(matching: "", ListPage(limit: 9)).items.count == 2)
      await #expect { try await server.removeService(tv.services[0].id) } throws: { if case .conflict = $0 as? ServerFailure { true } else { false } }
      try await server.removeService(radio.description.id)
      await #expect(throws: ServerFailure.notFound("service \(radio.description.id)")) { try await server.service(radio.description.id) }
      await #expect { try await server.publish(ServiceDraft(name: "", type: "s", keywords: [], requiredMediaTypes: [])) } throws: {
        if case .invalid("name", _) = $0 as? ServerFailure { true } else { false }
      }
    }
  }
}
