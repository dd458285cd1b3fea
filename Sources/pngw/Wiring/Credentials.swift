import CPNSModel
import GatewayCore
import OpenSSLTLS

/// Where the gateway's key and certificates are.
struct CredentialFiles: Sendable {
  /// PEM file, or a URI of an OpenSSL provider (`pkcs11:…`).
  let privateKey: String
  /// PEM files: our own certificate first, and who vouches for the server.
  let certificate: String
  let trustAnchor: String

  /// - Parameters: as configured; empty: in the state directory.
  init(stateDirectory: String, privateKey: String = "", certificate: String = "", trustAnchor: String = "") {
    self.privateKey = privateKey.isEmpty ? stateDirectory + "/key.pem" : privateKey
    self.certificate = certificate.isEmpty ? stateDirectory + "/certificate.pem" : certificate
    self.trustAnchor = trustAnchor.isEmpty ? stateDirectory + "/trust-anchor.pem" : trustAnchor
  }
}

/// The gateway's key and certificate in files, or the key in hardware.
struct Credentials: GatewayCredentials {
  /// Certificates up to the trust anchor; the message has at most as many.
  private static let longestChain = 8

  let files: CredentialFiles

  func certificateRequest(for gateway: EntityID, name: String) async throws(CredentialError) -> [UInt8] {
    do throws(TLSError) {
      return try PKI.request(uri: gateway.urn, name: name, key: try key())
    } catch {
      throw .storage(error.description)
    }
  }

  /// The trust anchor first: with only that we are as before, with only a certificate we could not check the server.
  func install(chain: [[UInt8]], trustAnchor: [UInt8]) async throws(CredentialError) {
    let (certificates, anchor) = try checked(chain, trustAnchor)
    do throws(TLSError) {
      try DurableFile.write(anchor.pem, to: files.trustAnchor, mode: 0o644)
      try DurableFile.write(certificates.flatMap(\.pem), to: files.certificate, mode: 0o644)
    } catch {
      throw .storage(error.description)
    }
  }

  /// Makes the key at the first time, if it is to be in a file.
  private func key() throws(TLSError) -> PrivateKey {
    if files.privateKey.hasPrefix("/"), !DurableFile.exists(files.privateKey) {
      try DurableFile.write(try PrivateKey.generate().pem, to: files.privateKey)
    }
    return try PrivateKey.load(files.privateKey)
  }

  private func checked(_ chain: [[UInt8]], _ trustAnchor: [UInt8]) throws(CredentialError) -> ([X509Certificate], X509Certificate) {
    guard (1...Self.longestChain).contains(chain.count) else {
      throw .unfit("the server sent \(chain.count) certificates, expected 1 to \(Self.longestChain)")
    }
    do throws(TLSError) {
      var certificates: [X509Certificate] = []
      for der in chain { certificates.append(try X509Certificate(der: der)) }
      let anchor = try X509Certificate(der: trustAnchor)
      guard certificates[0].fits(try PrivateKey.load(files.privateKey)) else { throw .untrusted("the certificate is for another key than ours") }
      for (issued, issuer) in zip(certificates, certificates.dropFirst() + [anchor]) where !issued.isIssued(by: issuer) {
        throw .untrusted("the certificate of \(issued.summary) is not signed by the next one in its chain")
      }
      return (certificates, anchor)
    } catch {
      throw .unfit(error.description)
    }
  }
}
