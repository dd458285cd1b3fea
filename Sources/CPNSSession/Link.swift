package import CPNSMessages
package import CPNSModel

/// One framed, authenticated byte stream between two CPNS entities, whatever carries it.
///
/// `send` suspends while the peer reads slower than we write. One task receives; any task may send or close.
package protocol Link: Sendable {
  var peer: LinkPeer { get }

  /// Stops waiting when the task is cancelled; the envelope may go out all the same.
  /// - Throws: ``LinkError`` when the link is gone or the envelope is larger than the peer takes.
  func send(_ envelope: Cpns_V1_Envelope) async throws(LinkError)

  /// The next envelope; nil after an orderly close by the peer.
  func receive() async throws(LinkError) -> Cpns_V1_Envelope?

  /// Largest frame accepted from now on, in bytes. Links begin at ``Limits/frameBeforeHello``.
  func accept(framesUpTo bytes: Int)

  /// Ends the link after what was sent has left. Does nothing when it has ended.
  func close() async
}

/// What the bearer knows of the other end before it has said a word.
package struct LinkPeer: Sendable, Hashable {
  package enum Credential: Sendable, Hashable {
    /// A certificate that our trust anchor vouches for, and the entity it names.
    case certificate(EntityID)
    /// A pre-shared key, known by this identity. See ``PSKIdentity``.
    case preSharedKey(identity: String)
    /// It showed nothing: only what needs no authentication is served.
    case none
  }
  package var credential: Credential
  /// For people: `10.77.0.40:51234`, `unix`, …
  package var address: String

  package init(credential: Credential, address: String) {
    self.credential = credential
    self.address = address
  }
}

package enum LinkError: Error, Equatable, Sendable {
  /// Nobody listens there, or the way is cut. Retry later.
  case unreachable(String)
  /// The peer could not prove who it is, or we could not: for a person to mend. Retry slowly.
  case untrusted(String)
  /// The link broke. Retry.
  case lost(String)
  /// The peer sent what is not a frame or not an envelope. Drop the link.
  case malformed(String)
  /// The envelope is larger than the peer takes. Drop the envelope.
  case tooLarge(bytes: Int, limit: Int)
}
