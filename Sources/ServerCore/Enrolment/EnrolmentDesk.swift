import CPNSMessages
import CPNSModel
import CPNSSession
import Logging
import Synchronization

/// Makes strangers with a claim into gateways (docs/protocol.md, "Enrolment").
///
///     unspent ──request: gateway, PN and answer on disk──▶ spent ──same idempotency id──▶ the same answer again
///        └──too old──▶ worthless                             └──any other──▶ REFUSED
final class EnrolmentDesk: Sendable {
  /// Two requests at once may spend a claim, or enrol a gateway, under each other's hands.
  private static let tries = 3
  private static let refusal = "the claim is not known, spent or too old: run `cpnsd claim new` again"

  private let server: EntityID
  private let ports: ServerPorts
  private let logger: Logger
  private let wrong = Mutex(WrongClaims())

  init(server: EntityID, ports: ServerPorts, logger: Logger) {
    self.server = server
    self.ports = ports
    self.logger = logger
  }

  func enrol(_ request: Cpns_V1_EnrolmentRequest, idempotency: IdempotencyID?, from peer: Peer) async -> Reply {
    guard let idempotency else { return .status(.malformed, "Envelope.idempotency_id: expected 16 bytes") }
    if let problem = Self.problem(request, peer) { return .status(.malformed, problem) }
    let address = WrongClaims.host(peer.link.address)
    if let wait = wrong.withLock({ $0.wait(address, now: ports.clock.now()) }) {
      var status = Cpns_V1_Status(.busy, "too many wrong claims came from this address")
      status.retryAfterMs = UInt32(clamping: wait)
      return .message(.status, status)
    }
    do throws(ServerStoreError) {
      let reply = try await settle(request, idempotency, for: peer.entity)
      guard let reply else {
        wrong.withLock { $0.note(address, now: ports.clock.now()) }
        logger.notice("claim refused", metadata: ["address": "\(peer.link.address)"])
        return .status(.refused, Self.refusal)
      }
      return reply
    } catch {
      logger.error("enrolment not written", metadata: ["error": "\(error.words)"])
      return .status(.busy, "the server can't write now")
    }
  }

  private static func problem(_ request: Cpns_V1_EnrolmentRequest, _ peer: Peer) -> String? {
    guard request.claim.count == 16 else { return "EnrolmentRequest.claim: expected 16 bytes" }
    guard (1...ServerBounds.certificateRequest).contains(request.certificateRequest.count) else {
      return "EnrolmentRequest.certificate_request: expected 1 to \(ServerBounds.certificateRequest) bytes"
    }
    guard request.entityID == peer.entity.urn else { return "EnrolmentRequest.entity_id: expected the entity_id of your Hello" }
    guard Text.isName(request.name, upTo: ServerBounds.gatewayName) else {
      return "EnrolmentRequest.name: expected 1 to \(ServerBounds.gatewayName) printable characters"
    }
    return nil
  }

  /// - Returns: nil when the claim is worth nothing.
  private func settle(_ request: Cpns_V1_EnrolmentRequest, _ idempotency: IdempotencyID, for gateway: EntityID) async throws(ServerStoreError) -> Reply? {
    let hash = ports.secrets.sha256(Array(request.claim))
    var last = ServerStoreError.unavailable("")
    for _ in 1...Self.tries {
      guard let claim = try await ports.store.claim(hash) else { return nil }
      if let spent = claim.spent {
        return spent.gateway == gateway && spent.idempotency == idempotency ? Reply(kind: .enrolment, body: spent.answer) : nil
      }
      guard claim.made.milliseconds + ServerBounds.claimDays * 86_400_000 > ports.clock.now().milliseconds else { return nil }
      do throws(ServerStoreError) {
        return try await spend(claim, request, idempotency, gateway)
      } catch .unmet(let condition) {
        last = .unmet(condition)
      }
    }
    throw last
  }

  private func spend(
    _ claim: ClaimRecord, _ request: Cpns_V1_EnrolmentRequest, _ idempotency: IdempotencyID, _ gateway: EntityID
  ) async throws(ServerStoreError) -> Reply {
    let issued: IssuedCertificate
    do throws(IssuingError) { issued = try await ports.authority.issue(Array(request.certificateRequest), for: gateway) } catch {
      return unissued(error)
    }
    let known = try await ports.store.gateway(gateway)
    if let known, known.key != issued.key {
      return .status(.conflict, "a gateway with this entity id and another key has enrolled: begin anew with a new entity id")
    }
    let now = ports.clock.now()
    let network = try await network(for: gateway, known?.pn, claim, named: request.name)
    let answer = Cpns_V1_Enrolment(issued, anchor: ports.authority.trustAnchor, server: server, pn: network.id)
    try await ports.store.commit([
      .require(.claimUnspent(hash: claim.hash)), .require(.gateway(gateway, key: issued.key, pn: network.id)),
      .spendClaim(hash: claim.hash, ClaimSpending(gateway: gateway, idempotency: idempotency, answer: answer.bytes, at: now)),
      .putGateway(GatewayRecord(id: gateway, name: request.name, pn: network.id, key: issued.key, enrolled: now)), .putNetwork(network),
    ])
    logger.notice("gateway enrolled", metadata: ["gateway": "\(gateway)", "name": "\(request.name)", "pn": "\(network.id)"])
    return .message(.enrolment, answer)
  }

  /// A gateway that enrols again keeps its PN, and begins the inventory anew.
  private func network(for gateway: EntityID, _ known: PNID?, _ claim: ClaimRecord, named name: String) async throws(ServerStoreError) -> NetworkRecord {
    var network = NetworkRecord(id: known ?? .random(), name: name, isNamedHere: false, revision: 0, gateway: gateway)
    if let known, let before = try await ports.store.network(known) { network = before }
    network.revision = 0
    if let given = claim.pnName {
      network.name = given
      network.isNamedHere = true
    }
    return network
  }

  private func unissued(_ error: IssuingError) -> Reply {
    switch error {
    case .unfit(let why): return .status(.malformed, "EnrolmentRequest.certificate_request: \(why)")
    case .unavailable(let why):
      logger.error("certificate not issued", metadata: ["error": "\(why)"])
      return .status(.internal, "the server can't issue certificates now")
    }
  }
}
