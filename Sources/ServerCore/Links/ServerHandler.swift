import CPNSMessages
import CPNSModel
import CPNSSession
import FoundationEssentials
import Synchronization

/// What one peer asks over one link. Which kinds it may send was checked before.
final class ServerHandler: SessionHandler {
  let desks: Desks
  let outgoing: OutgoingContent
  /// Who it is, once admitted; nil: a stranger.
  private let admitted = Mutex<GatewayRecord?>(nil)

  init(desks: Desks, outgoing: OutgoingContent) {
    self.desks = desks
    self.outgoing = outgoing
  }

  var gateway: GatewayRecord? { admitted.withLock { $0 } }

  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission {
    switch peer.credential {
    case .none: return .admitted(.stranger)  // to enrol, or because its certificate has run out
    case .preSharedKey: return .refused(.unauthenticated, detail: "expected a certificate: a PNE connects to its PN GW")
    case .certificate(let entity):
      guard hello.entityID == entity.urn else { return .refused(.unauthenticated, detail: "Hello.entity_id is not whom the certificate is for") }
      do throws(ServerStoreError) {
        guard let known = try await desks.store.gateway(entity) else {
          return .refused(.unauthenticated, detail: "this gateway is not enrolled here: run `cpnsd claim new` and enrol it")
        }
        admitted.withLock { $0 = known }
        return .admitted(.gateway)
      } catch {
        return .refused(.busy, detail: "the server can't read now")
      }
    }
  }

  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply {
    guard let peer = await session.peer else { return .status(.notReady, "Hello first") }
    do throws(MessageError) {
      guard let gateway else { return try await serve(stranger: request, peer) }
      return switch request.kind {
      case .inventoryChanges: await desks.inventory.apply(try request.decoded(), from: gateway)
      case .inventorySnapshot: await desks.inventory.replace(try request.decoded(), from: gateway)
      case .deliveryResult: await desks.deliveries.conclude(try DeliveryOutcome(checking: try request.decoded()), by: gateway)
      case .usageReport: await desks.usage.collect(try UsageRecord(checking: try request.decoded()), from: gateway)
      case .renewalRequest: await desks.renewal.renew(try request.decoded(), for: gateway, at: peer.link.address)
      case .contentOpen: await desks.open(try request.decoded(), for: peer, of: gateway, outgoing)
      case .inventoryQuery: await desks.directory.inventory(try request.decoded(), asked: request.origin)
      case .statusQuery: await desks.directory.status(try request.decoded(), asked: request.origin)
      case .capabilitiesQuery: await desks.directory.capabilities(try request.decoded(), asked: request.origin)
      default: .status(.unsupported, "this kind is no request to a CPNS Server")
      }
    } catch {
      return .malformed(error)
    }
  }

  /// A gateway speaks for the PNEs of its own PN.
  func role(of origin: EntityID, on session: Session) async -> Role? {
    guard let gateway, await desks.directory.member(origin, of: gateway.pn)?.kind == .pne else { return nil }
    return .element
  }

  func way(to target: EntityID, from origin: String, on session: Session) async -> Session? {
    guard let gateway else { return nil }
    return await desks.directory.way(to: target, from: gateway.pn)
  }

  private func serve(stranger request: Cpns_V1_Envelope, _ peer: Peer) async throws(MessageError) -> Reply {
    switch request.kind {
    case .enrolmentRequest:
      let idempotency = IdempotencyID(bytes: Array(request.idempotencyID))
      return await desks.enrolment.enrol(try request.decoded(), idempotency: idempotency, from: peer)
    case .renewalRequest: return await desks.renewal.recover(try request.decoded(), from: peer)
    default: return .status(.unauthenticated, "enrol first")
    }
  }

  /// What is not what it should be is as if it had been lost.
  func received(_ notification: Cpns_V1_Envelope, on session: Session) async {
    guard let gateway else { return }
    switch notification.kind {
    case .contentCredit: if let credit = try? notification.decoded(as: Cpns_V1_ContentCredit.self) { outgoing.grant(credit) }
    case .contentClose: if let close = try? notification.decoded(as: Cpns_V1_ContentClose.self) { outgoing.close(close.stream) }
    case .deliveryProgress:
      if let progress = try? notification.decoded(as: Cpns_V1_DeliveryProgress.self) { await desks.deliveries.progressed(progress, by: gateway) }
    default: return
    }
  }
}
