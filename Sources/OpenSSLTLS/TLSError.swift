/// Why there is no TLS. The texts are for people, and hold no secret.
package enum TLSError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A key, a certificate or a setting of ours can't be used: for a person.
  case configuration(String)
  /// The peer did not prove who it is, or did not take our proof. Retry slowly.
  case untrusted(String)
  /// The peer broke the protocol or ended the stream without close_notify. Retry.
  case broken(String)
  /// The handshake took longer than ``TLSHandler/handshakeSeconds``. Retry.
  case timedOut

  package var description: String {
    switch self {
    case .configuration(let text), .untrusted(let text), .broken(let text): text
    case .timedOut: "the TLS handshake took longer than \(TLSHandler.handshakeSeconds) s"
    }
  }
}

/// What a finished handshake proved of the peer. Fired as an inbound user event.
package struct TLSEstablished: Sendable, Equatable {
  /// First URI subject alternative name of the peer's verified certificate.
  package var certificateURI: String?
  package var hasCertificate: Bool
  /// Identity of the pre-shared key that was proved (servers).
  package var pskIdentity: String?
}
