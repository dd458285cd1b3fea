package import CPNSModel
package import CPNSSession

/// Everything outside that a CPNS Server needs.
package struct ServerPorts: Sendable {
  package var store: any ServerStore
  package var contents: any ContentKeeping
  package var authority: any CertificateAuthority
  package var listener: any GatewayListening
  package var secrets: any ServerSecrets
  package var clock: WallClock
  package var timer: any Clock<Duration>

  package init(
    store: any ServerStore, contents: any ContentKeeping, authority: any CertificateAuthority, listener: any GatewayListening,
    secrets: any ServerSecrets, clock: WallClock, timer: any Clock<Duration> = ContinuousClock()
  ) {
    self.store = store
    self.contents = contents
    self.authority = authority
    self.listener = listener
    self.secrets = secrets
    self.clock = clock
    self.timer = timer
  }
}

/// Where gateways connect (CPNS-2, CPNS-7).
package protocol GatewayListening: Sendable {
  /// Serves links until cancelled. `accept` runs once for each link, side by side; the link ends with it.
  /// - Parameter bound: called once with the port that is served.
  func serve(
    bound: @escaping @Sendable (_ port: Int) async -> Void, accept: @escaping @Sendable (any Link) async -> Void
  ) async throws(LinkError)
}

/// Who vouches for this server and its gateways. The private key never leaves the adapter.
package protocol CertificateAuthority: Sendable {
  /// DER.
  var trustAnchor: [UInt8] { get }
  /// Checks a PKCS#10 request (DER), its signature and that it is for `gateway`, and issues a certificate.
  func issue(_ request: [UInt8], for gateway: EntityID) async throws(IssuingError) -> IssuedCertificate
}

package struct IssuedCertificate: Sendable, Equatable {
  /// DER; the gateway's own first, those up to the trust anchor after it.
  package var chain: [[UInt8]]
  /// SHA-256 of its public key.
  package var key: [UInt8]

  package init(chain: [[UInt8]], key: [UInt8]) {
    self.chain = chain
    self.key = key
  }
}

package enum IssuingError: Error, Equatable, Sendable {
  /// The request is not one, or not for this gateway: the gateway's fault.
  case unfit(String)
  /// Our own key can't be used: for a person.
  case unavailable(String)
}

package protocol ServerSecrets: Sendable {
  /// From the system's cryptographic random source.
  func random(_ count: Int) -> [UInt8]
  func sha256(_ bytes: [UInt8]) -> [UInt8]
}

/// Contents as files. What is kept is whole; what has not arrived whole is forgotten at the next start.
package protocol ContentKeeping: Sendable {
  /// Room for a content that is about to arrive.
  /// - Parameter size: in bytes, when it is known.
  func receive(size: UInt64?) async throws(ContentKeepingError) -> any ArrivingContent
  func open(_ content: ContentDescription) async throws(ContentKeepingError) -> any OutgoingSource
  /// Readers that have it open keep it until they are done. Does nothing when it is not there.
  func remove(_ content: ContentID) async
  /// At the start: removes what a crash left behind, and counts the rest.
  func keep(only contents: Set<ContentID>) async throws(ContentKeepingError)
}

/// A content that arrives in order. It is gone when nobody finishes it.
package protocol ArrivingContent: Sendable {
  func append(_ bytes: [UInt8]) async throws(ContentKeepingError)
  /// On disk, under this id, when it returns.
  func finish(as content: ContentID) async throws(ContentKeepingError) -> (size: UInt64, sha256: [UInt8])
  func abandon() async
}

package enum ContentKeepingError: Error, Equatable, Sendable {
  /// The quota or the disk is full.
  case full(String)
  /// Larger than the quota of all contents, in bytes.
  case tooLarge(limit: UInt64)
  case io(String)
  /// It is not there, or not as it was.
  case gone(String)
}
