import COpenSSL
import Glibc

/// Which application protocols are spoken over TLS (RFC 7301).
package struct ApplicationProtocol: Sendable, Equatable {
  let names: [String]
  let isRequired: Bool
  /// Lowest TLS version.
  let allows12: Bool

  /// A CPNS link: `cpns/1` or nothing, TLS 1.3 only.
  package static let cpns = ApplicationProtocol(names: ["cpns/1"], isRequired: true, allows12: false)
  /// HTTP/1.1 for CPNS-4; clients that know no ALPN are served.
  package static let http = ApplicationProtocol(names: ["http/1.1"], isRequired: false, allows12: true)

  var wire: [UInt8] { names.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } }
}

/// How a client knows the right server.
package enum ServerTrust: Sendable, Equatable {
  /// PEM file with the certificates that may vouch for it.
  case anchor(path: String)
  /// First 16 bytes of SHA-256 of a certificate in the chain that it sends.
  case fingerprint([UInt8])
}

/// Settings that many connections share.
///
/// `@unchecked Sendable`: an SSL_CTX counts its references atomically and is not changed after `init`; the memory that
/// its callbacks read lives as long as this object, and each connection holds this object.
package final class TLSContext: @unchecked Sendable {
  package enum Kind: Sendable, Equatable { case client, server }

  let kind: Kind
  let raw: OpaquePointer
  let lookup: (@Sendable (String) -> [UInt8]?)?
  private var owned: [UnsafeMutableRawPointer] = []
  private let alpn: ApplicationProtocol

  private init(_ kind: Kind, _ alpn: ApplicationProtocol, lookup: (@Sendable (String) -> [UInt8]?)? = nil) throws(TLSError) {
    guard let raw = SSL_CTX_new(kind == .client ? TLS_client_method() : TLS_server_method()) else { throw .configuration(openSSLErrors()) }
    self.kind = kind
    self.raw = raw
    self.alpn = alpn
    self.lookup = lookup
    copenssl_set_versions(raw, alpn.allows12 ? copenssl_tls1_2() : copenssl_tls1_3(), copenssl_tls1_3())
    copenssl_set_modes(raw)
    offerALPN()
  }

  deinit {
    SSL_CTX_free(raw)
    for pointer in owned { free(pointer) }
  }

  // MARK: Making them

  /// A server with a certificate. With a trust anchor it asks for client certificates: a bad one fails the handshake, none is let
  /// through and shows as ``TLSEstablished/hasCertificate`` false.
  /// - Parameters:
  ///   - certificate: PEM file, own certificate first.
  ///   - key: PEM file, or a URI of an OpenSSL provider (`pkcs11:…`).
  package static func server(certificate: String, key: String, clientAnchor: String?, alpn: ApplicationProtocol) throws(TLSError) -> TLSContext {
    let context = try TLSContext(.server, alpn)
    try context.use(certificate: certificate, key: key)
    if let clientAnchor {
      try context.trust(clientAnchor)
      SSL_CTX_set_verify(context.raw, SSL_VERIFY_PEER, nil)
    }
    return context
  }

  package static func client(certificate: String?, key: String?, trust: ServerTrust, alpn: ApplicationProtocol) throws(TLSError) -> TLSContext {
    let context = try TLSContext(.client, alpn)
    if let certificate, let key { try context.use(certificate: certificate, key: key) }
    switch trust {
    case .anchor(let path): try context.trust(path)
    case .fingerprint(let bytes):
      guard bytes.count == 16 else { throw .configuration("a fingerprint has 16 bytes, this one \(bytes.count)") }
      copenssl_trust_fingerprint(context.raw, context.keep(bytes))
    }
    SSL_CTX_set_verify(context.raw, SSL_VERIFY_PEER, nil)
    return context
  }

  /// A server of external pre-shared keys (RFC 8446, 2.2) and nothing else; always with (EC)DHE.
  /// - Parameter lookup: identity → 32-byte key. Called on the event loop: it must not wait.
  package static func pskServer(lookup: @escaping @Sendable (String) -> [UInt8]?, alpn: ApplicationProtocol = .cpns) throws(TLSError) -> TLSContext {
    let context = try TLSContext(.server, alpn, lookup: lookup)
    try context.restrictToPSKSuite()
    let server = UnsafeMutablePointer<copenssl_psk_server>.allocate(capacity: 1)
    server.initialize(to: copenssl_psk_server(lookup: pskLookup, arg: nil))
    context.owned.append(server)
    copenssl_serve_psk(context.raw, server)
    return context
  }

  /// - Parameter key: 32 bytes.
  package static func pskClient(identity: String, key: [UInt8], alpn: ApplicationProtocol = .cpns) throws(TLSError) -> TLSContext {
    guard key.count == 32 else { throw .configuration("a pre-shared key has 32 bytes, this one \(key.count)") }
    let context = try TLSContext(.client, alpn)
    try context.restrictToPSKSuite()
    let client = UnsafeMutablePointer<copenssl_psk_client>.allocate(capacity: 1)
    let name = Array(identity.utf8)
    client.initialize(to: copenssl_psk_client())
    client.pointee.identity = UnsafePointer(context.keep(name))
    client.pointee.identity_length = name.count
    withUnsafeMutableBytes(of: &client.pointee.key) { $0.copyBytes(from: key) }
    context.owned.append(client)
    copenssl_use_psk(context.raw, client)
    // Without a certificate to check, only the key can prove the server; a server that ignores the key fails for want of a trust anchor.
    SSL_CTX_set_verify(context.raw, SSL_VERIFY_PEER, nil)
    return context
  }

  // MARK: Inside

  private func restrictToPSKSuite() throws(TLSError) {
    guard SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256") == 1 else { throw .configuration(openSSLErrors()) }
  }

  private func use(certificate: String, key: String) throws(TLSError) {
    guard SSL_CTX_use_certificate_chain_file(raw, certificate) == 1 else {
      throw .configuration("certificate \(certificate): \(openSSLErrors())")
    }
    guard let loaded = copenssl_load_key(key) else { throw .configuration("private key \(key): \(openSSLErrors())") }
    defer { EVP_PKEY_free(loaded) }
    guard SSL_CTX_use_PrivateKey(raw, loaded) == 1, SSL_CTX_check_private_key(raw) == 1 else {
      throw .configuration("private key \(key) does not fit certificate \(certificate): \(openSSLErrors())")
    }
  }

  private func trust(_ path: String) throws(TLSError) {
    guard SSL_CTX_load_verify_file(raw, path) == 1 else { throw .configuration("trust anchor \(path): \(openSSLErrors())") }
  }

  private func offerALPN() {
    let wire = keep(alpn.wire)
    if kind == .client {
      SSL_CTX_set_alpn_protos(raw, wire, UInt32(alpn.wire.count))
    } else {
      let settings = UnsafeMutablePointer<copenssl_alpn>.allocate(capacity: 1)
      settings.initialize(to: copenssl_alpn(protos: wire, length: UInt32(alpn.wire.count), required: alpn.isRequired ? 1 : 0))
      owned.append(settings)
      copenssl_serve_alpn(raw, settings)
    }
  }

  /// A copy that lives as long as this context.
  private func keep(_ bytes: [UInt8]) -> UnsafeMutablePointer<UInt8> {
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
    copy.update(from: bytes, count: bytes.count)
    owned.append(copy)
    return copy
  }
}

/// Called in the middle of a handshake, on the connection's event loop; `arg` is that connection's ``TLSConnection``.
private func pskLookup(_ arg: UnsafeMutableRawPointer?, _ identity: UnsafePointer<UInt8>?, _ length: Int, _ key: UnsafeMutablePointer<UInt8>) -> Int32 {
  guard let arg, let identity, length > 0, length <= 128 else { return 0 }
  let connection = Unmanaged<TLSConnection>.fromOpaque(arg).takeUnretainedValue()
  let name = String(decoding: UnsafeBufferPointer(start: identity, count: length), as: UTF8.self)
  guard let found = connection.key(for: name), found.count == 32 else { return 0 }
  key.update(from: found, count: 32)
  return 1
}
