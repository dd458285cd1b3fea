import CPNSMessages
import CPNSModel
import CPNSSession

/// What the server asks of this gateway.
struct UplinkHandler: SessionHandler {
  let serverID: @Sendable () async -> EntityID?
  let streams: ContentStreams
  let deliveries: DeliveryService
  let elements: ElementService

  /// The server has authenticated whom it relays.
  func role(of origin: EntityID, on session: Session) async -> Role? { .element }
  func way(to target: EntityID, from origin: String, on session: Session) async -> Session? { await elements.link(of: target) }

  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission {
    // A server takes no part in Entity Discovery: it may leave its Modes empty.
    guard let entity = EntityID(urn: hello.entityID), hello.modes.allSatisfy({ $0 == .cpnsServer }) else {
      return .refused(.forbidden, detail: "expected a CPNS Server")
    }
    if let known = await serverID(), known != entity {
      return .refused(.unauthenticated, detail: "this gateway is enrolled with the server \(known)")
    }
    return .admitted(.server)
  }

  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply {
    guard request.kind == .deliveryOffer else { return .status(.unsupported, "a PN GW does not serve \(request.kind)") }
    do throws(MessageError) {
      let order = try DeliveryOrder(checking: request.decoded(as: Cpns_V1_DeliveryOffer.self))
      return await deliveries.accept(order, from: .server).reply
    } catch {
      return .malformed(error)
    }
  }

  func received(_ notification: Cpns_V1_Envelope, on session: Session) async { streams.take(notification) }
}
