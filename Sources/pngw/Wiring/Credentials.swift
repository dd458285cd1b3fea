import CPNSModel
import Configuration
import GatewayCore
import OpenSSLTLS
import Synchronization

/// Where the gateway's key and certificates are.
struct CredentialFiles: Sendable, Hashable {
  /// PEM file, or a URI of an OpenSSL provider (`pkcs11:…`).
  let privateKey: String
  /// PEM files: our own certificate first, and who vouches for the server.
  let certificate: String
  let trustAnchor: String
  /// The second slot: a renewed certificate that has to prove itself.
  var candidate: String { certificate + ".next" }

  /// - Parameters: as configured; empty: in the state directory.
  init(_ configuration: GatewayConfiguration) {
    let uplink = configuration.uplink
    self.init(
      stateDirectory: configuration.state.directory, privateKey: uplink.privateKey, certificate: uplink.certificate, trustAnchor: uplink.trustAnchor)
  }

  init(stateDirectory: String, privateKey: String = "", certificate: String = "", trustAnchor: String = "") {
    self.privateKey = privateKey.isEmpty ? stateDirectory + "/key.pem" : privateKey
    self.certificate = certificate.isEmpty ? stateDirectory + "/certificate.pem" : certificate
    self.trustAnchor = trustAnchor.isEmpty ? stateDirectory + "/trust-anchor.pem" : trustAnchor
  }
}

/// Where they are now: a reload of the configuration may name others.
final class CredentialPlaces: Sendable {
  private let files: Mutex<CredentialFiles>
  init(_ files: CredentialFiles) { self.files = Mutex(files) }

  var now: CredentialFiles {
    get { files.withLock { $0 } }
    set { files.withLock { $0 = newValue } }
  }
}

/// The gateway's key and certificate in files, or the key in hardware.
struct Credentials: GatewayCredentials {
  /// Certificates up to the trust anchor; the message has at most as many.
  private static let longestChain = 8

  let places: CredentialPlaces
  private var files: CredentialFiles { places.now }
  /// Called when another certificate is in use.
  private let installed: @Sendable () -> Void

  init(places: CredentialPlaces, installed: @escaping @Sendable () -> Void = {}) {
    self.places = places
    self.installed = installed
  }

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
      // It was of another enrolment.
      try DurableFile.remove(files.candidate)
    } catch {
      throw .storage(error.description)
    }
    installed()
  }

  // MARK: Two slots

  var certificate: CertificateTimes? {
    get async {
      // None that can be read: enrolment tells people what to do.
      guard let own = try? X509Certificate(pem: try DurableFile.read(files.certificate)) else { return nil }
      return CertificateTimes(begin: Timestamp(milliseconds: own.notBefore * 1000), end: Timestamp(milliseconds: own.notAfter * 1000))
    }
  }

  var hasCandidate: Bool { get async { DurableFile.exists(files.candidate) } }

  func stage(chain: [[UInt8]]) async throws(CredentialError) {
    let anchor: X509Certificate
    do throws(TLSError) { anchor = try X509Certificate(pem: try DurableFile.read(files.trustAnchor)) } catch { throw .storage(error.description) }
    let (certificates, _) = try checked(chain, anchor.der)
    do throws(TLSError) { try DurableFile.write(certificates.flatMap(\.pem), to: files.candidate, mode: 0o644) } catch { throw .storage(error.description) }
  }

  func promote() async throws(CredentialError) {
    do throws(TLSError) { try DurableFile.move(files.candidate, to: files.certificate) } catch { throw .storage(error.description) }
    installed()
  }

  func dropCandidate() async {
    // What can't be removed is tried again, and refused again: nothing is lost by it.
    try? DurableFile.remove(files.candidate)
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
