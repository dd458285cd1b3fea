import CPNSModel
import CPNSSession
import GatewayCore
import LinkTransport
import OpenSSLTLS
import TLSLinks

/// The uplink over TLS 1.3 (docs/protocol.md, "Uplink").
struct Uplink: UplinkConnecting {
  let connector: LinkConnector
  let files: CredentialFiles
  let clock: WallClock

  /// The files are read for each link, so that a new certificate needs no restart.
  func withLink(to server: String, trust: UplinkTrust, _ body: @Sendable (any Link) async -> Void) async throws(LinkError) {
    let security: LinkSecurity
    do throws(TLSError) { security = try self.security(trust) } catch { throw LinkError(error) }
    try await connector.withLink(to: server, security: security, body)
  }

  private func security(_ trust: UplinkTrust) throws(TLSError) -> LinkSecurity {
    switch trust {
    case .claim(let fingerprint):
      let context = try TLSContext.client(certificate: nil, key: nil, trust: .fingerprint(fingerprint), alpn: .cpns)
      return .tls(context, now: clock.now)
    case .enrolled:
      guard DurableFile.exists(files.certificate) else {
        throw .configuration("there is no certificate at \(files.certificate): enrol with `pngwctl enrol CODE@HOST:PORT`")
      }
      let context = try TLSContext.client(certificate: files.certificate, key: files.privateKey, trust: .anchor(path: files.trustAnchor), alpn: .cpns)
      return .tls(context, now: try time())
    }
  }

  /// A board without a battery starts in 1970. It cannot be earlier than when our own certificate was made.
  private func time() throws(TLSError) -> @Sendable () -> Timestamp {
    let own = try X509Certificate(pem: try DurableFile.read(files.certificate))
    let made = Timestamp(milliseconds: own.notBefore * 1000)
    return { [clock] in max(clock.now(), made) }
  }
}
