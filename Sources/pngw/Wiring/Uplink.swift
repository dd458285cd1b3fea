import CPNSModel
import CPNSSession
import GatewayCore
import LinkTransport
import OpenSSLTLS
import TLSLinks

/// The uplink over TLS 1.3 (docs/protocol.md, "Uplink").
struct Uplink: UplinkConnecting {
  let connector: LinkConnector
  let places: CredentialPlaces
  let time: MachineTime

  /// The files are read for each link, so that a new certificate needs no restart.
  func withLink(to server: String, trust: UplinkTrust, _ body: @Sendable (any Link) async -> Void) async throws(LinkError) {
    let security: LinkSecurity
    do throws(TLSError) { security = try self.security(trust) } catch { throw LinkError(error) }
    try await connector.withLink(to: server, security: security, body)
  }

  private func security(_ trust: UplinkTrust) throws(TLSError) -> LinkSecurity {
    let files = places.now
    switch trust {
    case .claim(let fingerprint):
      let context = try TLSContext.client(
        certificate: nil, key: nil, trust: .fingerprint(fingerprint), alpn: .cpns, checksTime: time.problem == nil)
      return .tls(context, now: time.clock.now)
    case .withoutCertificate:
      let context = try TLSContext.client(certificate: nil, key: nil, trust: .anchor(path: files.trustAnchor), alpn: .cpns)
      return .tls(context, now: time.clock.now)
    case .candidate:
      let context = try TLSContext.client(certificate: files.candidate, key: files.privateKey, trust: .anchor(path: files.trustAnchor), alpn: .cpns)
      return .tls(context, now: time.clock.now)
    case .enrolled:
      guard DurableFile.exists(files.certificate) else {
        throw .configuration("there is no certificate at \(files.certificate): enrol with `pngwctl enrol CODE@HOST:PORT`")
      }
      let context = try TLSContext.client(certificate: files.certificate, key: files.privateKey, trust: .anchor(path: files.trustAnchor), alpn: .cpns)
      return .tls(context, now: time.clock.now)
    }
  }
}
