import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import Logging
import Testing

/// Answers when it is let.
private actor Gatekeeper: SessionHandler {
  private(set) var requests = 0
  private var isOpen = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  nonisolated func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission { .admitted(.element) }
  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply {
    requests += 1
    if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    return .status(.ok)
  }
  func received(_ notification: Cpns_V1_Envelope, on session: Session) async {}
  func open() {
    isOpen = true
    for continuation in waiting { continuation.resume() }
    waiting = []
  }
}

/// A gateway's session on a clock that the test moves, against a bare link.
@Suite(.timeLimit(.minutes(1))) struct SessionLifeTests {
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  private let gateway = EntityID.random()
  private let element = EntityID.random()
  private let clock = ManualClock()
  private let handler = Gatekeeper()

  /// - Returns: how the session ended.
  private func run(
    ready: @escaping @Sendable (Session, Peer) async -> Void = { _, _ in },
    _ script: @escaping @Sendable (_ theirs: MemoryLink, _ ours: MemoryLink) async throws -> Void
  ) async throws -> SessionError? {
    let (ours, theirs) = MemoryLink.pair(
      LinkPeer(credential: .preSharedKey(identity: "x"), address: "test"), LinkPeer(credential: .none, address: "test"))
    let local = LocalEntity(id: gateway, role: .gateway, modes: [.pnGateway], name: "n", software: "s", supportedKinds: [])
    let session = Session(link: ours, local: local, handler: handler, logger: logger, clock: clock)
    return try await withThrowingTaskGroup(of: SessionError?.self) { group in
      group.addTask {
        do throws(SessionError) {
          try await session.run(ready: ready)
          return nil
        } catch { return error }
      }
      try await script(theirs, ours)
      return try await group.next() ?? nil
    }
  }

  private func envelope(_ kind: Cpns_V1_Kind, _ body: [UInt8] = [], deadline: UInt32 = 1000) -> Cpns_V1_Envelope {
    var envelope = Cpns_V1_Envelope()
    envelope.messageID = Data(IdempotencyID.random().bytes)
    envelope.origin = element.urn
    envelope.kind = kind
    envelope.body = Data(body)
    envelope.deadlineMs = deadline
    return envelope
  }

  private func greet(_ link: MemoryLink, maxFrame: UInt32 = 0) async throws -> Cpns_V1_Envelope {
    var hello = Cpns_V1_Hello()
    hello.protocolVersions = [1]
    hello.entityID = element.urn
    hello.modes = [.pne]
    hello.limits.maxFrame = maxFrame
    let theirs = try #require(try await link.receive())
    try await link.send(envelope(.hello, hello.bytes, deadline: 0))
    return theirs
  }

  private func next(_ kind: Cpns_V1_Kind, _ link: MemoryLink) async throws -> Cpns_V1_Envelope? {
    while let envelope = try await link.receive() { if envelope.kind == kind { return envelope } }
    return nil
  }

  // MARK: Before Hello

  @Test func longFramesAreTakenOnlyAfterHello() async throws {
    let outcome = try await run { theirs, ours in
      await eventually("it says Hello") { clock.sleepers == 1 }
      #expect(ours.limit == Limits.frameBeforeHello)
      _ = try await greet(theirs)
      await eventually("longer frames are taken") { ours.limit == Limits.frame }
      await theirs.close()
    }
    #expect(outcome == nil)
  }

  @Test func aPeerThatSaysNothingIsDroppedAfterTenSeconds() async throws {
    let outcome = try await run { _, _ in await clock.pass(.seconds(Limits.helloSeconds)) }
    #expect(outcome == .timedOut)
  }

  @Test func aRefusalThatFollowsThePeersHelloIsToldAsOne() async throws {
    let outcome = try await run { theirs, _ in
      let hello = try await greet(theirs)
      var refusal = envelope(.status, Cpns_V1_Status(.unauthenticated, "not enrolled here").bytes, deadline: 0)
      refusal.correlationID = hello.messageID
      try await theirs.send(refusal)
      await theirs.close()
    }
    #expect(outcome == .refused(code: .unauthenticated, detail: "not enrolled here"))
  }

  // MARK: Requests of the peer's

  @Test func theThirtyThirdUnansweredRequestIsBusy() async throws {
    _ = try await run { theirs, _ in
      _ = try await greet(theirs)
      for _ in 0..<Limits.requests { try await theirs.send(envelope(.registration)) }
      await eventually("all are being answered") { await handler.requests == Limits.requests }
      let late = envelope(.registration)
      try await theirs.send(late)
      let answer = try await next(.status, theirs)
      #expect(answer?.correlationID == late.messageID)
      #expect(try answer?.decoded(as: Cpns_V1_Status.self).code == .busy)
      await handler.open()
      for _ in 0..<Limits.requests { #expect(try await next(.status, theirs)?.decoded(as: Cpns_V1_Status.self).code == .ok) }
      try await theirs.send(envelope(.registration))
      #expect(try await next(.status, theirs)?.decoded(as: Cpns_V1_Status.self).code == .ok)
      await theirs.close()
    }
  }

  @Test func aPeerThatAsksAndNeverReadsPilesUpNoAnswers() async throws {
    _ = try await run { theirs, ours in
      _ = try await greet(theirs)
      await eventually("it is open") { ours.limit == Limits.frame }
      ours.hold()
      await handler.open()
      for number in 1...Limits.requests {
        try await theirs.send(envelope(.registration))
        await eventually("answer \(number) waits for the peer") { ours.waiting == number }
      }
      for _ in 0..<100 { try await theirs.send(envelope(.registration)) }
      await settle()
      #expect(await handler.requests == Limits.requests)
      // Those, and the BUSY of the one after: nothing more is read before it has left.
      #expect(ours.waiting == Limits.requests + 1)
      await theirs.close()
      await ours.close()
    }
  }

  @Test func aNotificationOfAnUnknownKindIsIgnored() async throws {
    let outcome = try await run { theirs, _ in
      _ = try await greet(theirs)
      try await theirs.send(envelope(.UNRECOGNIZED(9999), deadline: 0))
      try await theirs.send(envelope(.keepAlive))
      #expect(try await theirs.receive()?.kind == .status)
      await theirs.close()
    }
    #expect(outcome == nil)
  }

  // MARK: Our requests

  @Test func aRequestEndsAtItsDeadline() async throws {
    let script: @Sendable (Session, Peer) async -> Void = { session, _ in
      await #expect(throws: SessionError.timedOut) { try await session.request(.deliveryOffer, [], deadline: .seconds(7)) }
      await session.close()
    }
    _ = try await run(ready: script) { theirs, _ in
      _ = try await greet(theirs)
      await clock.pass(.seconds(7))
    }
  }

  @Test func aRequestThatCannotEvenBeSentEndsAtItsDeadlineToo() async throws {
    let script: @Sendable (Session, Peer) async -> Void = { session, _ in
      await #expect(throws: SessionError.timedOut) { try await session.request(.deliveryOffer, [], deadline: .seconds(7)) }
      await session.close()
    }
    _ = try await run(ready: script) { theirs, ours in
      await eventually("it says Hello") { clock.sleepers == 1 }
      _ = try await theirs.receive()
      ours.hold()
      var hello = Cpns_V1_Hello()
      hello.protocolVersions = [1]
      hello.entityID = element.urn
      try await theirs.send(envelope(.hello, hello.bytes, deadline: 0))
      await clock.pass(.seconds(7))
    }
  }

  // MARK: Silence

  @Test func silenceForTheWholeTimeClosesTheLink() async throws {
    let outcome = try await run { theirs, ours in
      _ = try await greet(theirs)
      // Waiting for Hello takes as long: that must be over.
      await eventually("it is open") { ours.limit == Limits.frame }
      await clock.pass(.seconds(10))
      #expect(try await next(.keepAlive, theirs) != nil)
      await clock.pass(.seconds(20))
    }
    guard case .lost = outcome else { return #expect(outcome == .lost("nothing heard")) }
  }

  @Test func aPeerThatStopsReadingIsDroppedAsWell() async throws {
    let outcome = try await run { theirs, ours in
      _ = try await greet(theirs)
      await eventually("it is open") { ours.limit == Limits.frame }
      ours.hold()
      await clock.pass(.seconds(10))
      await clock.pass(.seconds(20))
    }
    guard case .lost = outcome else { return #expect(outcome == .lost("nothing heard")) }
  }

  @Test func aPeerThatTalksAndIsLateWithItsAnswerIsAlive() async throws {
    let outcome = try await run { theirs, ours in
      _ = try await greet(theirs)
      // Waiting for Hello takes as long: that must be over.
      await eventually("it is open") { ours.limit == Limits.frame }
      await clock.pass(.seconds(10))
      _ = try await next(.keepAlive, theirs)
      // Its answer stands behind a content that is on its way to it.
      try await theirs.send(envelope(.contentCredit, deadline: 0))
      try await theirs.send(envelope(.keepAlive))
      _ = try await next(.status, theirs)
      await clock.pass(.seconds(20))
      await settle()
      try await theirs.send(envelope(.keepAlive))
      #expect(try await next(.status, theirs) != nil)
      await theirs.close()
    }
    #expect(outcome == nil)
  }
}
