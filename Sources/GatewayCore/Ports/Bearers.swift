package import CPNSModel
package import CPNSSession

/// Ways to the CPNS Server (CPNS-2, CPNS-7).
package protocol UplinkConnecting: Sendable {
  /// Connects, lends the link to `body`, and closes it afterwards.
  /// - Parameter server: `host:port`; IPv6 literals in brackets.
  func withLink(
    to server: String, trust: UplinkTrust, _ body: @Sendable (any Link) async -> Void
  ) async throws(LinkError)
}

package enum UplinkTrust: Sendable, Equatable {
  /// Our own certificate, and the configured or enrolled trust anchor.
  case enrolled
  /// As ``enrolled``, with the renewed certificate that has to prove itself.
  case candidate
  /// The server is checked as ever; we show no certificate, because ours is of no use.
  case withoutCertificate
  /// We have no certificate yet: the server's chain must end in a certificate with this SHA-256 (its first 16 bytes).
  case claim(fingerprint: [UInt8])
}

/// Where PNEs connect (CPNS-1, CPNS-6).
package protocol ElementListening: Sendable {
  /// Serves links until cancelled. `accept` runs once for each link, side by side; the link ends with it.
  /// - Parameter bound: called once with the port that is served.
  func serve(
    keys: @escaping @Sendable (_ identity: String) -> [UInt8]?,
    rejected: @escaping @Sendable (_ identity: String, _ address: String) -> Void,
    bound: @Sendable (_ port: Int) async -> Void,
    accept: @escaping @Sendable (any Link) async -> Void
  ) async throws(LinkError)
}

/// Tells the LAN that we are here (AD 5.6.5, by DNS-SD).
package protocol ServiceAnnouncing: Sendable {
  /// Publishes `_cpns._tcp` until cancelled; recovers by itself when the responder goes and comes.
  func announce(name: String, port: Int, text: [String: String]) async
}

/// Keys and names that need cryptography.
package protocol Secrets: Sendable {
  /// From the system's cryptographic random source.
  func random(_ count: Int) -> [UInt8]
  /// HKDF-SHA256 (RFC 5869), 32 bytes.
  func derive(key: [UInt8], salt: [UInt8], info: String) -> [UInt8]
  /// UUID version 5 (RFC 9562) of `name` in `namespace`.
  func nameBased(_ name: String, in namespace: EntityID) -> EntityID
  func sha256(_ bytes: [UInt8]) -> [UInt8]
}
