package import CPNSMessages
package import CPNSModel

/// What an entity is on a link; decides which kinds it may send (``Authorisation``).
package enum Role: String, Sendable, Hashable, CaseIterable {
  case server, gateway, element
  /// A peer that has shown a one-time pairing key, or no certificate: it may only become one of the above.
  case stranger
}

/// What we say of ourselves in Hello.
package struct LocalEntity: Sendable {
  package var id: EntityID
  package var role: Role
  package var modes: [Mode]
  package var name: String
  package var software: String
  package var supportedKinds: [Cpns_V1_Kind]
  /// Longest silence that we tell the peer to count as a dead link.
  package var maxSilence: Duration

  package init(
    id: EntityID, role: Role, modes: [Mode], name: String, software: String, supportedKinds: [Cpns_V1_Kind],
    maxSilence: Duration = .seconds(Limits.silenceSeconds)
  ) {
    self.id = id
    self.role = role
    self.modes = modes
    self.name = name
    self.software = software
    self.supportedKinds = supportedKinds
    self.maxSilence = maxSilence
  }
}

/// Who is at the other end, once Hello has been checked against what the bearer proved.
package struct Peer: Sendable, Hashable {
  package var entity: EntityID
  package var role: Role
  package var modes: [Mode]
  package var name: String
  package var software: String
  package var maxFrame: Int
  package var maxChunk: Int
  package var link: LinkPeer
}

/// What to answer to a request.
package struct Reply: Sendable {
  package var kind: Cpns_V1_Kind
  package var body: [UInt8]
  /// What begins only when the answer has left.
  package var afterwards: (@Sendable () -> Void)?

  package init(kind: Cpns_V1_Kind, body: [UInt8]) {
    self.kind = kind
    self.body = body
  }
}

/// A request that ended without the answer that was asked for.
package enum SessionError: Error, Equatable, Sendable {
  /// The link is gone: the request may or may not have had its effect. Resend with the same idempotency id.
  case lost(String)
  /// No answer within the deadline.
  case timedOut
  /// The peer answered with this status.
  case refused(code: Cpns_V1_Code, detail: String)
  /// The peer answered something else than was asked for, or broke the protocol.
  case malformed(String)
  /// Too much is under way on this link already.
  case busy
}

/// What a core does with what its peers say. Called after the kind was authorised.
package protocol SessionHandler: Sendable {
  /// Whether this peer may talk to us at all, and as what.
  /// - Returns: its role, or the status that it is refused with.
  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission

  /// Requests are answered side by side, at most ``Limits/requests`` at once.
  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply

  /// Notifications come one after the other, in order; the link waits for each.
  func received(_ notification: Cpns_V1_Envelope, on session: Session) async

  /// As what `origin`, who is not the peer, may speak over the peer's link: a gateway speaks for its PNEs, a server for everybody.
  /// - Returns: nil when it may not.
  func role(of origin: EntityID, on session: Session) async -> Role?

  /// The link over which `target` is reached, for an envelope of `origin`'s.
  /// - Returns: nil when there is none now, or `origin` may not reach it.
  func way(to target: EntityID, from origin: String, on session: Session) async -> Session?
}

extension SessionHandler {
  /// Nobody speaks for another.
  package func role(of origin: EntityID, on session: Session) async -> Role? { nil }
  /// Nothing is relayed.
  package func way(to target: EntityID, from origin: String, on session: Session) async -> Session? { nil }
}

package enum Admission: Sendable {
  case admitted(Role)
  case refused(Cpns_V1_Code, detail: String)
}
