import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession

/// What the gateway asks of this element.
struct GatewayHandler: SessionHandler {
  let gateway: EntityID
  let desk: DeliveryDesk
  let streams: ContentStreams

  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission {
    guard hello.modes.contains(.pnGw) else { return .refused(.forbidden, detail: "expected a PN GW") }
    guard hello.entityID == gateway.urn else { return .refused(.unauthenticated, detail: "this element is paired with \(gateway)") }
    return .admitted(.gateway)
  }

  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply {
    guard request.kind == .deliveryOffer else { return .status(.unsupported, "a PNE does not serve this kind") }
    do throws(MessageError) {
      return await desk.answer(try DeliveryOrder(checking: request.decoded(as: Cpns_V1_DeliveryOffer.self)))
    } catch {
      return .malformed(error)
    }
  }

  func received(_ notification: Cpns_V1_Envelope, on session: Session) async { streams.take(notification) }
}

/// What a gateway may ask before we are paired: nothing.
struct PairingHandler: SessionHandler {
  let code: PairingCode

  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission {
    guard hello.modes.contains(.pnGw), let gateway = EntityID(urn: hello.entityID), code.isFor(gateway) else {
      return .refused(.unauthenticated, detail: "the pairing code is for another gateway")
    }
    return .admitted(.gateway)
  }

  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply { .status(.notReady, "not paired yet") }
  func received(_ notification: Cpns_V1_Envelope, on session: Session) async {}
}
