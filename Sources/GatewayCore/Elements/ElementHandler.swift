import CPNSMessages
import CPNSModel
import CPNSSession

/// What one PNE asks over one link. Which kinds it may send was checked before.
struct ElementHandler: SessionHandler {
  let service: ElementService
  let outgoing: OutgoingContent
  let feed: StatusFeed

  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission { service.admit(peer, hello) }

  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply {
    guard let peer = await session.peer else { return .status(.notReady, "Hello first") }
    do throws(MessageError) {
      return switch request.kind {
      case .pairRequest: await service.pair(try request.decoded(), on: session)
      case .registration: await service.register(try request.decoded(), peer, on: session, outgoing)
      case .deregistration: await service.deregister(peer.entity)
      case .statusReport: await service.report(try request.decoded(), of: peer.entity)
      case .deliveryResult: await service.conclude(try request.decoded(), by: peer.entity)
      case .usageReport: await service.collect(try request.decoded(), of: peer.entity)
      case .contentOpen: await service.open(try request.decoded(), for: peer, outgoing)
      case .inventoryQuery: await service.directory.inventory(try request.decoded())
      case .statusQuery: await service.directory.status(try request.decoded())
      case .capabilitiesQuery: await service.directory.capabilities(try request.decoded())
      case .statusSubscription: try subscribe(try request.decoded())
      default: .status(.unsupported, "this kind is no request to a PN GW")
      }
    } catch {
      return .malformed(error)
    }
  }

  private func subscribe(_ subscription: Cpns_V1_StatusSubscription) throws(MessageError) -> Reply {
    feed.select(try StatusFeed.Selection(checking: subscription))
    return .status(.ok)
  }

  /// Members of this PN reach each other here, and everybody else by the server.
  func way(to target: EntityID, from origin: String, on session: Session) async -> Session? { await service.way(to: target) }

  func received(_ notification: Cpns_V1_Envelope, on session: Session) async {
    switch notification.kind {
    case .contentCredit:
      if let credit = try? notification.decoded(as: Cpns_V1_ContentCredit.self) { outgoing.grant(credit) }  // not one: as if lost
    case .contentClose:
      if let close = try? notification.decoded(as: Cpns_V1_ContentClose.self) { outgoing.close(close.stream) }
    case .deliveryProgress:
      if let progress = try? notification.decoded(as: Cpns_V1_DeliveryProgress.self), let peer = await session.peer {
        await service.progressed(progress, of: peer.entity)
      }
    default: return
    }
  }
}
