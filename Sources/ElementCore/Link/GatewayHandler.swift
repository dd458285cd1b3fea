import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession

/// What the gateway asks of this element.
struct GatewayHandler: SessionHandler {
  let gateway: EntityID
  let desk: DeliveryDesk
  let streams: ContentStreams
  let capabilities: Cpns_V1_DeviceCapabilities
  let tell: @Sendable (ElementEvent) -> Void

  /// The gateway has authenticated whom it relays.
  func role(of origin: EntityID, on session: Session) async -> Role? { .element }

  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission {
    guard hello.modes.contains(.pnGw) else { return .refused(.forbidden, detail: "expected a PN GW") }
    guard hello.entityID == gateway.urn else { return .refused(.unauthenticated, detail: "this element is paired with \(gateway)") }
    return .admitted(.gateway)
  }

  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply {
    do throws(MessageError) {
      return switch request.kind {
      case .deliveryOffer: await desk.answer(try DeliveryOrder(checking: request.decoded(as: Cpns_V1_DeliveryOffer.self)))
      case .statusQuery: status(of: try request.decoded(), session.local.id)
      case .capabilitiesQuery: capabilities(of: try request.decoded(), session.local.id)
      default: .status(.unsupported, "a PNE does not serve this kind")
      }
    } catch {
      return .malformed(error)
    }
  }

  func received(_ notification: Cpns_V1_Envelope, on session: Session) async {
    guard notification.kind == .statusNotification else { return streams.take(notification) }
    // Not one: as if it had been lost.
    guard let message = try? notification.decoded(as: Cpns_V1_StatusNotification.self), message.statuses.count <= Limits.devices else { return }
    for status in message.statuses {
      guard let id = EntityID(urn: status.entityID), let availability = try? Availability(checking: status.availability) else { continue }
      tell(.status(id, availability, reason: String(status.reason.prefix(64))))
    }
  }

  private func status(of query: Cpns_V1_StatusQuery, _ own: EntityID) -> Reply {
    guard query.entityID.isEmpty || query.entityID == own.urn else { return .status(.notFound, "StatusQuery.entity_id: a PNE tells of itself only") }
    var answer = Cpns_V1_StatusAnswer()
    answer.status.entityID = own.urn
    answer.status.availability = .online
    answer.status.reason = "running"
    return .message(.statusAnswer, answer)
  }

  private func capabilities(of query: Cpns_V1_CapabilitiesQuery, _ own: EntityID) -> Reply {
    guard query.entityID.isEmpty || query.entityID == own.urn else { return .status(.notFound, "CapabilitiesQuery.entity_id: a PNE tells of itself only") }
    var answer = Cpns_V1_CapabilitiesAnswer()
    answer.capabilities = capabilities
    return .message(.capabilitiesAnswer, answer)
  }
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
