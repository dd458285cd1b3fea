import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import Logging
import Synchronization
import SwiftProtobuf
import Testing

/// A gateway between two PNEs: relays what travels, and answers the rest itself.
private final class Crossroads: SessionHandler {
  let sessions = Mutex<[EntityID: Session]>([:])

  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission { .admitted(.element) }
  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply { .status(.ok, "from the gateway") }
  func received(_ notification: Cpns_V1_Envelope, on session: Session) async {}
  func way(to target: EntityID, from origin: String, on session: Session) async -> Session? { sessions.withLock { $0[target] } }
}

/// A PNE that answers status queries with who asked.
private final class Neighbour: SessionHandler {
  let seen = Mutex<[Cpns_V1_Envelope]>([])

  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission { .admitted(.gateway) }
  func role(of origin: EntityID, on session: Session) async -> Role? { .element }
  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply {
    seen.withLock { $0.append(request) }
    var answer = Cpns_V1_StatusAnswer()
    answer.status.entityID = request.origin
    return .message(.statusAnswer, answer)
  }
  func received(_ notification: Cpns_V1_Envelope, on session: Session) async {}
}

@Suite struct RelayTests {
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  private let gateway = EntityID.random()
  private let a = EntityID.random()
  private let b = EntityID.random()

  private func local(_ id: EntityID, _ role: Role) -> LocalEntity {
    LocalEntity(id: id, role: role, modes: [role == .gateway ? .pnGateway : .pne], name: "n", software: "s", supportedKinds: [])
  }

  /// A and B linked with the gateway; `script` is A's.
  private func withNeighbours(_ script: @escaping @Sendable (Session, Neighbour) async throws -> Void) async throws {
    let crossroads = Crossroads()
    let neighbour = Neighbour()
    try await withThrowingTaskGroup(of: Void.self) { group in
      let (readyA, sayA) = AsyncStream<Session>.makeStream()
      for (id, isA) in [(b, false), (a, true)] {
        let (near, far) = MemoryLink.pair(LinkPeer(credential: .preSharedKey(identity: "x"), address: "t"), LinkPeer(credential: .none, address: "t"))
        let here = Session(link: near, local: local(gateway, .gateway), handler: crossroads, logger: logger)
        let there = Session(link: far, local: local(id, .element), handler: neighbour, logger: logger)
        group.addTask { try? await here.run { session, peer in crossroads.sessions.withLock { $0[peer.entity] = session } } }
        group.addTask { try? await there.run { session, _ in if isA { sayA.yield(session) } } }
      }
      let sessionA = try #require(await readyA.first { _ in true })
      await eventually("B's Hello was taken too") { crossroads.sessions.withLock { $0.count == 2 } }
      try await script(sessionA, neighbour)
      for session in crossroads.sessions.withLock({ Array($0.values) }) { await session.close() }
      group.cancelAll()
    }
  }

  @Test func aRequestReachesANeighbourAndItsAnswerComesBack() async throws {
    try await withNeighbours { session, neighbour in
      let answer = try await session.request(.statusQuery, Cpns_V1_StatusQuery().bytes, target: b)
      #expect(answer.kind == .statusAnswer)
      #expect(answer.origin == b.urn)
      #expect(try answer.decoded(as: Cpns_V1_StatusAnswer.self).status.entityID == a.urn)
      let seen = neighbour.seen.withLock { $0 }
      #expect(seen.map(\.origin) == [a.urn])
      #expect(seen.map(\.hopLimit) == [UInt32(Limits.hops - 1)])
    }
  }

  @Test func whatIsForTheGatewayIsNotRelayed() async throws {
    try await withNeighbours { session, neighbour in
      _ = try await session.request(.statusQuery, Cpns_V1_StatusQuery().bytes, target: gateway)
      #expect(neighbour.seen.withLock { $0.isEmpty })
    }
  }

  @Test func aKindOfOneLinkDoesNotTravel() async throws {
    try await withNeighbours { session, neighbour in
      await #expect(throws: SessionError.refused(code: .unreachable, detail: "Envelope.target: this kind is for the other end of a link only")) {
        _ = try await session.request(.registration, [], target: b)
      }
      #expect(neighbour.seen.withLock { $0.isEmpty })
    }
  }

  @Test func anUnknownEntityIsUnreachable() async throws {
    try await withNeighbours { session, _ in
      do {
        _ = try await session.request(.statusQuery, [], target: .random())
        Issue.record("it was reached")
      } catch let error as SessionError {
        guard case .refused(.unreachable, _) = error else { throw error }
      }
    }
  }

  @Test func anEnvelopeWithoutHopsGoesNoFarther() async throws {
    let crossroads = Crossroads()
    let (near, far) = MemoryLink.pair(LinkPeer(credential: .preSharedKey(identity: "x"), address: "t"), LinkPeer(credential: .none, address: "t"))
    let here = Session(link: near, local: local(gateway, .gateway), handler: crossroads, logger: logger)
    async let over: Void? = try? await here.run { _, _ in }
    _ = try await far.receive()
    var hello = Cpns_V1_Hello()
    hello.protocolVersions = [1]
    hello.entityID = a.urn
    try await far.send(envelope(.hello, hello.bytes, hops: 0, deadline: 0))
    for hops: UInt32 in [0, 9, .max] {
      var query = envelope(.statusQuery, [], hops: hops, deadline: 1000)
      query.target = b.urn
      try await far.send(query)
      let answer = try #require(try await far.receive())
      let status = try answer.decoded(as: Cpns_V1_Status.self)
      #expect(status.code == .unreachable)
      #expect(status.detail.contains("hop_limit"))
    }
    await far.close()
    _ = await over
  }

  @Test func nobodySpeaksForAnother() async throws {
    let (near, far) = MemoryLink.pair(LinkPeer(credential: .preSharedKey(identity: "x"), address: "t"), LinkPeer(credential: .none, address: "t"))
    let here = Session(link: near, local: local(gateway, .gateway), handler: Crossroads(), logger: logger)
    async let over: Void? = try? await here.run { _, _ in }
    _ = try await far.receive()
    var hello = Cpns_V1_Hello()
    hello.protocolVersions = [1]
    hello.entityID = a.urn
    try await far.send(envelope(.hello, hello.bytes, hops: 0, deadline: 0))
    var forged = envelope(.statusQuery, [], hops: 1, deadline: 1000)
    forged.origin = b.urn
    try await far.send(forged)
    let answer = try #require(try await far.receive())
    #expect(try answer.decoded(as: Cpns_V1_Status.self).code == .forbidden)
    await far.close()
    _ = await over
  }

  private func envelope(_ kind: Cpns_V1_Kind, _ body: [UInt8], hops: UInt32, deadline: UInt32) -> Cpns_V1_Envelope {
    var envelope = Cpns_V1_Envelope()
    envelope.messageID = Data((0..<16).map { _ in UInt8.random(in: 0...255) })
    envelope.origin = a.urn
    envelope.kind = kind
    envelope.body = Data(body)
    envelope.hopLimit = hops
    envelope.deadlineMs = deadline
    return envelope
  }
}
