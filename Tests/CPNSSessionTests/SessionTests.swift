import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import Logging
import SwiftProtobuf
import Testing

/// Answers every request with OK and remembers what came.
private actor Recorder: SessionHandler {
  let verdict: Admission
  private(set) var requests: [Cpns_V1_Kind] = []
  private(set) var notifications: [Cpns_V1_Kind] = []
  init(_ verdict: Admission) { self.verdict = verdict }

  nonisolated func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission { verdict }
  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply {
    requests.append(request.kind)
    return .status(.ok)
  }
  func received(_ notification: Cpns_V1_Envelope, on session: Session) async { notifications.append(notification.kind) }
}

@Suite struct SessionTests {
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  private let gateway = EntityID.random()
  private let element = EntityID.random()

  private func entity(_ id: EntityID, _ role: Role) -> LocalEntity {
    LocalEntity(id: id, role: role, modes: [role == .gateway ? .pnGateway : .pne], name: "n", software: "s", supportedKinds: [])
  }

  /// A gateway's session, and the bare link of whoever is at the other end.
  private func gatewayAgainstBareLink(
    as role: Role = .element, _ script: @escaping @Sendable (MemoryLink) async throws -> Void
  ) async throws -> (Recorder, SessionError?) {
    let handler = Recorder(.admitted(role))
    let outcome = try await run(handler, script)
    return (handler, outcome)
  }

  private func run(_ handler: Recorder, _ script: @escaping @Sendable (MemoryLink) async throws -> Void) async throws -> SessionError? {
    let (mine, theirs) = MemoryLink.pair(LinkPeer(credential: .preSharedKey(identity: "x"), address: "test"), LinkPeer(credential: .none, address: "test"))
    let session = Session(link: mine, local: entity(gateway, .gateway), handler: handler, logger: logger)
    async let ended: SessionError? = {
      do throws(SessionError) {
        try await session.run { _, _ in }
        return nil
      } catch { return error }
    }()
    try await script(theirs)
    await theirs.close()
    return await ended
  }

  private func envelope(_ kind: Cpns_V1_Kind, _ body: [UInt8] = [], deadline: UInt32 = 1000) -> Cpns_V1_Envelope {
    var envelope = Cpns_V1_Envelope()
    envelope.messageID = Data((0..<16).map { _ in UInt8.random(in: 0...255) })
    envelope.origin = element.urn
    envelope.kind = kind
    envelope.body = Data(body)
    envelope.deadlineMs = deadline
    return envelope
  }

  private func hello(versions: [UInt32] = [1]) -> Cpns_V1_Envelope {
    var hello = Cpns_V1_Hello()
    hello.protocolVersions = versions
    hello.entityID = element.urn
    hello.modes = [.pne]
    return envelope(.hello, hello.bytes, deadline: 0)
  }

  private func status(_ envelope: Cpns_V1_Envelope?) throws -> Cpns_V1_Status { try #require(envelope).decoded() }

  @Test func bothSidesSayHelloAndTalk() async throws {
    let (a, b) = MemoryLink.pair(LinkPeer(credential: .preSharedKey(identity: "x"), address: "b"), LinkPeer(credential: .none, address: "a"))
    let (atGateway, atElement) = (Recorder(.admitted(.element)), Recorder(.admitted(.gateway)))
    let serving = Session(link: a, local: entity(gateway, .gateway), handler: atGateway, logger: logger)
    let asking = Session(link: b, local: entity(element, .element), handler: atElement, logger: logger)
    async let served: Void = serving.run { _, _ in }
    try await asking.run { session, peer in
      #expect(peer.entity == gateway)
      #expect((try? await session.request(.registration, []))?.kind == .status)
      try? await session.notify(.contentCredit, [])
      _ = try? await session.request(.keepAlive, [])
      await session.close()
    }
    try await served
    #expect(await atGateway.requests == [.registration])
    #expect(await atGateway.notifications == [.contentCredit])
  }

  @Test func anythingElseThanHelloFirstIsRefused() async throws {
    let (_, outcome) = try await gatewayAgainstBareLink { link in
      #expect(try await link.receive()?.kind == .hello)
      try await link.send(envelope(.registration))
      #expect(try status(await link.receive()).code == .notReady)
    }
    #expect(outcome == .refused(code: .notReady, detail: "the first message on a link is Hello"))
  }

  @Test func noCommonVersionIsToldWithTheVersionsSpoken() async throws {
    let (_, outcome) = try await gatewayAgainstBareLink { link in
      _ = try await link.receive()
      try await link.send(hello(versions: [7, 8]))
      let answer = try status(await link.receive())
      #expect(answer.code == .versionUnsupported)
      #expect(answer.protocolVersions == [1])
    }
    #expect(outcome != nil)
  }

  @Test func aHelloThatIsNoHelloIsMalformed() async throws {
    let (_, outcome) = try await gatewayAgainstBareLink { link in
      _ = try await link.receive()
      try await link.send(envelope(.hello, [255, 255], deadline: 0))
      #expect(try status(await link.receive()).code == .malformed)
    }
    #expect(outcome != nil)
  }

  @Test func aPeerThatIsNotAdmittedIsToldWhy() async throws {
    let outcome = try await run(Recorder(.refused(.unauthenticated, detail: "pair first"))) { link in
      _ = try await link.receive()
      try await link.send(hello())
      #expect(try status(await link.receive()).detail == "pair first")
    }
    #expect(outcome == .refused(code: .unauthenticated, detail: "pair first"))
  }

  private func refusal(of bad: Cpns_V1_Envelope, as role: Role = .element) async throws -> Cpns_V1_Code? {
    let answers = AsyncStream<Cpns_V1_Code>.makeStream()
    let (handler, outcome) = try await gatewayAgainstBareLink(as: role) { link in
      _ = try await link.receive()
      try await link.send(hello())
      try await link.send(bad)
      answers.continuation.yield(try status(await link.receive()).code)
      // Everything else goes on.
      try await link.send(envelope(role == .element ? .registration : .pairRequest))
      #expect(try status(await link.receive()).code == .ok)
    }
    #expect(outcome == nil)
    #expect(await handler.requests.count == 1)
    return await answers.stream.first { _ in true }
  }

  @Test func anUnknownKindIsUnsupportedAndTheLinkGoesOn() async throws {
    #expect(try await refusal(of: envelope(.UNRECOGNIZED(9999))) == .unsupported)
  }

  @Test func aKindThatTheRoleMayNotSendNeverReachesTheHandler() async throws {
    #expect(try await refusal(of: envelope(.inventorySnapshot)) == .forbidden)
    #expect(try await refusal(of: envelope(.registration), as: .stranger) == .forbidden)
  }

  @Test func anEnvelopeInAnothersNameIsForbidden() async throws {
    var forged = envelope(.registration)
    forged.origin = EntityID.random().urn
    #expect(try await refusal(of: forged) == .forbidden)
  }

  @Test func anEnvelopeForSomebodyElseIsUnreachable() async throws {
    var astray = envelope(.registration)
    astray.target = EntityID.random().urn
    #expect(try await refusal(of: astray) == .unreachable)
  }

  @Test func aMessageIDOfTheWrongLengthIsMalformed() async throws {
    var bad = envelope(.registration)
    bad.messageID = Data([1])
    #expect(try await refusal(of: bad) == .malformed)
  }

  @Test func aRequestWithoutAnswerTimesOut() async throws {
    let (a, b) = MemoryLink.pair(LinkPeer(credential: .none, address: "b"), LinkPeer(credential: .none, address: "a"))
    let session = Session(link: a, local: entity(gateway, .gateway), handler: Recorder(.admitted(.element)), logger: logger)
    async let running: Void = session.run { session, _ in
      await #expect(throws: SessionError.timedOut) { try await session.request(.deliveryOffer, [], deadline: .milliseconds(20)) }
      await session.close()
    }
    try await b.send(hello())
    try await running
  }

  @Test func aLinkThatEndsFailsWhatWaits() async throws {
    let (a, b) = MemoryLink.pair(LinkPeer(credential: .none, address: "b"), LinkPeer(credential: .none, address: "a"))
    let session = Session(link: a, local: entity(gateway, .gateway), handler: Recorder(.admitted(.element)), logger: logger)
    async let running: Void = session.run { session, _ in
      await #expect(throws: SessionError.self) { try await session.request(.deliveryOffer, [], deadline: .seconds(60)) }
    }
    try await b.send(hello())
    while let envelope = try await b.receive() { if envelope.kind == .deliveryOffer { break } }
    await b.close()
    try await running
  }
}
