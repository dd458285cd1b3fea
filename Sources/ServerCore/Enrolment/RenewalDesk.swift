import CPNSMessages
import CPNSModel
import CPNSSession
import FoundationEssentials
import Logging
import Synchronization

/// Gives gateways another certificate for the key that they enrolled with (docs/protocol.md, "Renewal").
///
///     a link with a certificate ──────────────────────┐
///                                                     ├─▶ enrolled, with this key? ──▶ Enrolment, else REFUSED
///     a link without, its own has run out (recovery) ─┘
///
/// Nothing is kept of it: the key is what a gateway is known by, and a certificate is only its key's ticket.
final class RenewalDesk: Sendable {
  private static let refusal = "no gateway has enrolled with this id and this key: run `cpnsd claim new` and enrol it"

  private let server: EntityID
  private let ports: ServerPorts
  private let logger: Logger
  private let wrong = Mutex(WrongClaims())

  init(server: EntityID, ports: ServerPorts, logger: Logger) {
    self.server = server
    self.ports = ports
    self.logger = logger
  }

  /// Over a link with the gateway's certificate.
  func renew(_ request: Cpns_V1_RenewalRequest, for gateway: GatewayRecord, at address: String) async -> Reply {
    if let problem = Self.problem(request, gateway.id) { return .status(.malformed, problem) }
    return await issue(request, gateway, at: address) ?? .status(.refused, Self.refusal)
  }

  /// Over a link without a certificate. Who asks is not known before the key fits, so whoever guesses has to wait.
  func recover(_ request: Cpns_V1_RenewalRequest, from peer: Peer) async -> Reply {
    if let problem = Self.problem(request, peer.entity) { return .status(.malformed, problem) }
    let address = WrongClaims.host(peer.link.address)
    if let wait = wrong.withLock({ $0.wait(address, now: ports.clock.now()) }) {
      var status = Cpns_V1_Status(.busy, "too many wrong requests came from this address")
      status.retryAfterMs = UInt32(clamping: wait)
      return .message(.status, status)
    }
    do throws(ServerStoreError) {
      if let known = try await ports.store.gateway(peer.entity), let reply = await issue(request, known, at: peer.link.address) { return reply }
    } catch {
      return .status(.busy, "the server can't read now")
    }
    wrong.withLock { $0.note(address, now: ports.clock.now()) }
    logger.notice("renewal refused", metadata: ["address": "\(peer.link.address)", "gateway": "\(peer.entity)"])
    return .status(.refused, Self.refusal)
  }

  private static func problem(_ request: Cpns_V1_RenewalRequest, _ entity: EntityID) -> String? {
    guard (1...ServerBounds.certificateRequest).contains(request.certificateRequest.count) else {
      return "RenewalRequest.certificate_request: expected 1 to \(ServerBounds.certificateRequest) bytes"
    }
    guard request.entityID == entity.urn else { return "RenewalRequest.entity_id: expected the entity_id of your Hello" }
    return nil
  }

  /// - Returns: nil when the key is another.
  private func issue(_ request: Cpns_V1_RenewalRequest, _ gateway: GatewayRecord, at address: String) async -> Reply? {
    do throws(IssuingError) {
      let issued = try await ports.authority.issue(Array(request.certificateRequest), for: gateway.id)
      guard issued.key == gateway.key else { return nil }
      logger.notice("certificate renewed", metadata: ["gateway": "\(gateway.id)", "name": "\(gateway.name)", "address": "\(address)"])
      return .message(.enrolment, Cpns_V1_Enrolment(issued, anchor: ports.authority.trustAnchor, server: server, pn: gateway.pn))
    } catch .unfit(let why) {
      return .status(.malformed, "RenewalRequest.certificate_request: \(why)")
    } catch {
      logger.error("certificate not issued", metadata: ["error": "\(error)"])
      return .status(.internal, "the server can't issue certificates now")
    }
  }
}

extension Cpns_V1_Enrolment {
  init(_ issued: IssuedCertificate, anchor: [UInt8], server: EntityID, pn: PNID) {
    self.init()
    certificateChain = issued.chain.map { Data($0) }
    trustAnchor = Data(anchor)
    serverID = server.urn
    pnID = pn.urn
  }
}
