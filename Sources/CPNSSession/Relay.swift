import CPNSMessages
import CPNSModel
import FoundationEssentials

/// What becomes of an envelope of the peer's, decided on its outside alone (docs/protocol.md, "Relaying").
///
///     origin is the peer, or one that the peer may speak for? ──no──▶ FORBIDDEN
///     target is empty or we ──▶ the kind is allowed? ──▶ to the handler
///     target is another ──▶ the kind travels, hops are left, a way is known? ──▶ onward, as it is
extension Session {
  enum Disposition {
    case handle
    case refuse(Cpns_V1_Status)
    case onward(Session)
  }

  func disposition(of envelope: Cpns_V1_Envelope, from peer: Peer) async -> Disposition {
    guard envelope.messageID.count == 16 else { return .refuse(Cpns_V1_Status(.malformed, "Envelope.message_id: expected 16 bytes")) }
    guard let sender = await role(of: envelope.origin, peer) else {
      return .refuse(Cpns_V1_Status(.forbidden, "Envelope.origin: this link was authenticated for \(peer.entity)"))
    }
    if envelope.target.isEmpty || envelope.target == local.id.urn { return authorised(envelope.kind, from: sender) }
    guard let target = EntityID(urn: envelope.target) else { return .refuse(Cpns_V1_Status(.malformed, "Envelope.target: expected urn:uuid:… and a UUID")) }
    guard Authorisation.travels(envelope.kind, from: sender) else {
      return .refuse(Cpns_V1_Status(.unreachable, "Envelope.target: this kind is for the other end of a link only"))
    }
    guard (1...Limits.hops).contains(Int(envelope.hopLimit)) else {
      return .refuse(Cpns_V1_Status(.unreachable, "Envelope.hop_limit: expected 1 to \(Limits.hops) for an entity that is not the other end of this link"))
    }
    guard let way = await handler.way(to: target, from: envelope.origin, on: self), way.id != id else {
      return .refuse(Cpns_V1_Status(.unreachable, "Envelope.target: \(local.id) knows no way to that entity now"))
    }
    return .onward(way)
  }

  private func role(of origin: String, _ peer: Peer) async -> Role? {
    if origin == peer.entity.urn { return peer.role }
    guard let entity = EntityID(urn: origin), entity != local.id else { return nil }
    return await handler.role(of: entity, on: self)
  }

  private func authorised(_ kind: Cpns_V1_Kind, from sender: Role) -> Disposition {
    switch Authorisation.verdict(on: kind, from: sender, to: local.role) {
    case .allowed: .handle
    case .forbidden: .refuse(Cpns_V1_Status(.forbidden, "a \(sender.rawValue) may not send this kind to a \(local.role.rawValue)"))
    case .unknownKind: .refuse(Cpns_V1_Status(.unsupported, "kind \(kind.rawValue) is not known here"))
    }
  }

  /// Sends somebody else's envelope on over this link.
  /// - Returns: the answer, as it came; nil for a notification.
  func pass(_ envelope: Cpns_V1_Envelope) async throws(SessionError) -> Cpns_V1_Envelope? {
    var onward = envelope
    onward.hopLimit -= 1
    guard envelope.expectsReply else {
      try await send(onward)
      return nil
    }
    return try await exchange(onward, .milliseconds(Int64(min(envelope.deadlineMs, Limits.deadlineMilliseconds)))).get()
  }
}

extension SessionError {
  /// What whoever sent the envelope is told.
  var statusForOrigin: Cpns_V1_Status {
    switch self {
    case .timedOut: Cpns_V1_Status(.timedOut, "the target did not answer in time")
    case .busy: Cpns_V1_Status(.busy, "too many requests are on their way to the target")
    case .lost, .malformed, .refused: Cpns_V1_Status(.unreachable, "the way to the target was lost")
    }
  }
}
