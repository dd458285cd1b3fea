import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession
import Foundation
import Logging
import SwiftProtobuf

@testable import ElementCore

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A gateway in memory: takes links, answers as it is told, and remembers what it was asked.
actor ScriptedGateway: GatewayConnecting, SessionHandler {
  struct Asked: Sendable {
    var kind: Cpns_V1_Kind
    var idempotency: [UInt8]
    var body: [UInt8]
    func message<M: Message>(_ type: M.Type = M.self) throws -> M { try M(serializedBytes: body) }
  }
  /// What comes instead of the usual answer.
  enum Instead: Sendable { case status(Cpns_V1_Code), cutTheLink }

  nonisolated let id = EntityID.random()
  nonisolated let pn = PNID.random()
  /// Identities with which links were asked for, and where.
  nonisolated let links = Log<(identity: String, address: String)>()
  nonisolated let asked = Log<Asked>()
  private nonisolated let sessions = Log<Session>()
  private let oneTimeKey: [UInt8]
  private var keys: [String: [UInt8]] = [:]
  private var instead: [Cpns_V1_Kind: [Instead]] = [:]
  private var contents: [ContentID: any OutgoingSource] = [:]
  private var outgoing = OutgoingContent(logger: quiet)
  private var waiting: Set<String> = []

  init() {
    let code = PairingCode(key: Array(repeating: 7, count: 16), gateway: id)
    oneTimeKey = FakeSecrets().derive(key: code.key, salt: code.salt, info: PSKIdentity.pairingInfo)
  }

  nonisolated var code: PairingCode { PairingCode(key: Array(repeating: 7, count: 16), gateway: id) }
  nonisolated var sighting: GatewaySighting { GatewaySighting(id: id, name: "gw", addresses: ["10.77.0.10:7421"]) }

  // MARK: The script

  /// The next requests of this kind are answered otherwise, in this order.
  func answer(_ kind: Cpns_V1_Kind, _ ways: Instead...) { instead[kind, default: []] += ways }
  func serve(_ content: ContentID, _ source: any OutgoingSource) { contents[content] = source }
  func serve(_ content: ContentID, _ bytes: [UInt8]) { contents[content] = Bytes(bytes) }
  func hold(_ delivery: DeliveryID) { waiting.insert(delivery.urn) }
  func forgetKeys() { keys = [:] }

  /// A pairing from an earlier life.
  func know(_ element: EntityID) -> Membership {
    let key = [UInt8](repeating: 3, count: 32)
    keys[PSKIdentity.entityUserKey(element, generation: 1).text] = FakeSecrets().derive(
      key: key, salt: Array(id.urn.utf8), info: PSKIdentity.gatewayKeyInfo)
    return Membership(gateway: id, gatewayName: "gw", pn: pn, entityUserKey: key, generation: 1)
  }

  /// Offers on the newest link that has registered.
  func offer(_ order: DeliveryOrder) async throws -> Cpns_V1_DeliveryAnswer {
    try await offering(order).decoded()
  }
  func offering(_ order: DeliveryOrder) async throws -> Cpns_V1_Envelope {
    let session = try await currentSession()
    return try await session.request(.deliveryOffer, Cpns_V1_DeliveryOffer(order).bytes, idempotency: IdempotencyID(uuid: order.id.uuid))
  }
  func cut() async throws { await (try await currentSession()).close() }
  private func currentSession() async throws -> Session { await sessions.wait { !$0.isEmpty }[sessions.entries.count - 1] }

  // MARK: Links

  func withLink(
    to address: String, identity: String, key: [UInt8], _ body: @Sendable (any Link) async -> Void
  ) async throws(LinkError) {
    links.add((identity, address))
    guard (identity == "pair" ? oneTimeKey : keys[identity]) == key else { throw .untrusted("the peer knows no pre-shared key of ours") }
    let (mine, theirs) = MemoryLink.pair(
      LinkPeer(credential: .preSharedKey(identity: identity), address: "element"), LinkPeer(credential: .none, address: address))
    let local = LocalEntity(id: id, role: .gateway, modes: [.pnGateway], name: "gw", software: "test", supportedKinds: [])
    let session = Session(link: mine, local: local, handler: self, logger: quiet)
    let outgoing = OutgoingContent(logger: quiet)
    self.outgoing = outgoing
    async let served: Void = {
      do { try await session.run { session, _ in await outgoing.run(over: session) } } catch {}
    }()
    await body(theirs)
    await theirs.close()
    await served
  }

  nonisolated func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission {
    peer.credential == .preSharedKey(identity: "pair") ? .admitted(.stranger) : .admitted(.element)
  }

  nonisolated func received(_ notification: Cpns_V1_Envelope, on session: Session) async { await heard(notification) }

  private func heard(_ notification: Cpns_V1_Envelope) {
    if notification.kind == .contentCredit, let credit = try? notification.decoded(as: Cpns_V1_ContentCredit.self) { outgoing.grant(credit) }
    if notification.kind == .contentClose, let close = try? notification.decoded(as: Cpns_V1_ContentClose.self) { outgoing.close(close.stream) }
  }

  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply {
    asked.add(Asked(kind: request.kind, idempotency: Array(request.idempotencyID), body: Array(request.body)))
    if let way = instead[request.kind]?.first {
      instead[request.kind]?.removeFirst()
      if case .status(let code) = way { return .status(code, "as told") }
      await session.close()
      return .status(.internal)
    }
    switch request.kind {
    case .pairRequest: return assign(request)
    case .registration:
      sessions.add(session)
      var result = Cpns_V1_RegistrationResult()
      result.pnID = pn.urn
      return .message(.registrationResult, result)
    case .contentOpen: return await open(request, on: session)
    default: return .status(.ok)
    }
  }

  private func assign(_ request: Cpns_V1_Envelope) -> Reply {
    guard let element = EntityID(urn: request.origin) else { return .status(.malformed) }
    let membership = know(element)
    var assignment = Cpns_V1_KeyAssignment()
    assignment.entityID = element.urn
    assignment.gatewayID = id.urn
    assignment.entityUserKey = Data(membership.entityUserKey)
    assignment.generation = 1
    assignment.pnID = pn.urn
    return .message(.keyAssignment, assignment)
  }

  private func open(_ request: Cpns_V1_Envelope, on session: Session) async -> Reply {
    guard let open = try? request.decoded(as: Cpns_V1_ContentOpen.self), let peer = await session.peer,
      let content = ContentID(urn: open.contentID), let source = contents[content]
    else { return .status(.notFound) }
    if waiting.contains(open.deliveryID) { return .status(.notReady, "this delivery waits for its turn") }
    return outgoing.open(open, source, for: peer)
  }
}

/// Content from memory.
struct Bytes: OutgoingSource {
  let all: [UInt8]
  init(_ all: [UInt8]) { self.all = all }
  var size: UInt64? { UInt64(all.count) }
  func bytes(at offset: UInt64, upTo count: Int) async throws(OutgoingError) -> [UInt8] {
    Array(all.dropFirst(Int(offset)).prefix(count))
  }
}

/// Content of which the link breaks once, when `limit` bytes have gone.
actor BreakingBytes: OutgoingSource {
  nonisolated let all: [UInt8]
  private let limit: UInt64
  private let cut: @Sendable () async -> Void
  private var isBroken = false

  init(_ all: [UInt8], breakingAt limit: UInt64, cut: @escaping @Sendable () async -> Void) {
    self.all = all
    self.limit = limit
    self.cut = cut
  }

  nonisolated var size: UInt64? { UInt64(all.count) }

  func bytes(at offset: UInt64, upTo count: Int) async throws(OutgoingError) -> [UInt8] {
    if !isBroken, offset >= limit {
      isBroken = true
      await cut()
      throw OutgoingError("cut")
    }
    return Array(all.dropFirst(Int(offset)).prefix(count))
  }
}
