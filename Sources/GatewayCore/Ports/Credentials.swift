package import CPNSModel

/// The gateway's key and certificates, in two slots: the certificate in use, and one that has to prove itself. The private key never leaves
/// the adapter.
package protocol GatewayCredentials: Sendable {
  /// Makes a key if there is none, and a PKCS#10 request for `gateway` (DER).
  func certificateRequest(for gateway: EntityID, name: String) async throws(CredentialError) -> [UInt8]
  /// Installs what the server gave at enrolment. Checks first that it fits the key. A candidate of before is dropped.
  func install(chain: [[UInt8]], trustAnchor: [UInt8]) async throws(CredentialError)

  /// Of the certificate in use; nil: there is none that can be read.
  var certificate: CertificateTimes? { get async }
  var hasCandidate: Bool { get async }
  /// Keeps a candidate, which ``UplinkTrust/candidate`` shows. Checks first that it fits our key and trust anchor.
  func stage(chain: [[UInt8]]) async throws(CredentialError)
  /// The candidate takes the place of the certificate in use, in one step.
  func promote() async throws(CredentialError)
  func dropCandidate() async
}

package enum CredentialError: Error, Equatable, Sendable {
  case storage(String)
  case unfit(String)

  /// For people.
  package var words: String {
    switch self {
    case .storage(let why), .unfit(let why): why
    }
  }
}

/// How long a certificate holds.
package struct CertificateTimes: Sendable, Hashable {
  package var begin: Timestamp
  package var end: Timestamp

  package init(begin: Timestamp, end: Timestamp) {
    self.begin = begin
    self.end = end
  }

  /// A third of its time is left: months, with what servers give by default, for a board that is rarely connected.
  package func isDue(at now: Timestamp) -> Bool { end.milliseconds - now.milliseconds < (end.milliseconds - begin.milliseconds) / 3 }
}

/// What is known of the time, on a machine whose clock may be wrong.
package protocol TimeKeeping: Sendable {
  /// In what way the machine's clock can't be right; nil: nothing is known against it.
  var problem: String? { get }
  /// It was this time when a server proved itself: it can't be earlier again, also after a restart.
  func witnessed(_ now: Timestamp) async
}
