import CPNSModel
import OpenSSLTLS
import ServerCore

/// Issues the certificates of gateways with the trust anchor's key.
struct Authority: CertificateAuthority {
  private let anchor: X509Certificate
  private let key: PrivateKey
  private let days: Int
  private let clock: WallClock
  let trustAnchor: [UInt8]

  /// - Parameter days: that the certificates of gateways hold.
  init(anchor: X509Certificate, key: PrivateKey, days: Int, clock: WallClock) {
    self.anchor = anchor
    self.key = key
    self.days = days
    self.clock = clock
    trustAnchor = anchor.der
  }

  func issue(_ request: [UInt8], for gateway: EntityID) async throws(IssuingError) -> IssuedCertificate {
    do throws(TLSError) {
      let issued = try PKI.issueGateway(request: request, uri: gateway.urn, anchor: anchor, anchorKey: key, days: days, now: clock.now().milliseconds / 1000)
      return IssuedCertificate(chain: [issued.der], key: issued.keyDigest)
    } catch .untrusted(let why) {
      throw .unfit(why)
    } catch {
      throw .unavailable(error.description)
    }
  }
}

/// Keys by OpenSSL.
struct SystemSecrets: ServerSecrets {
  func random(_ count: Int) -> [UInt8] { Cryptography.random(count) }
  func sha256(_ bytes: [UInt8]) -> [UInt8] { Cryptography.sha256(bytes) }
}
