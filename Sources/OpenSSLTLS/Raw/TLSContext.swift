import COpenSSL

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

  var text: String { names.joined(separator: ", ") }
  var wire: [UInt8] { names.flatMap { [UInt8(truncatingIfNeeded: $0.utf8.count)] + Array($0.utf8) } }
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
  let alpn: ApplicationProtocol
  /// A server of pre-shared keys has one.
  let lookup: (@Sendable (String) -> [UInt8]?)?
  /// A client with a pre-shared key has one.
  let ownKey: PreSharedKey?
  /// Whether certificates have to be within their time.
  private(set) var checksTime = true
  private var owned: [UnsafeMutablePointer<UInt8>] = []

  var usesPSK: Bool { lookup != nil || ownKey != nil }

  struct PreSharedKey {
    let identity: UnsafeBufferPointer<UInt8>
    let key: [UInt8]
  }

  private init(
    _ kind: Kind, _ alpn: ApplicationProtocol, lookup: (@Sendable (String) -> [UInt8]?)? = nil, ownKey: (identity: String, key: [UInt8])? = nil
  ) throws(TLSError) {
    guard let raw = SSL_CTX_new(kind == .client ? TLS_client_method() : TLS_server_method()) else { throw .configuration(openSSLErrors()) }
    self.kind = kind
    self.raw = raw
    self.alpn = alpn
    self.lookup = lookup
    if let ownKey {
      let name = Self.copy(Array(ownKey.identity.utf8))
      owned = [name]
      self.ownKey = PreSharedKey(identity: UnsafeBufferPointer(start: name, count: ownKey.identity.utf8.count), key: ownKey.key)
    } else {
      self.ownKey = nil
    }
    copenssl_set_versions(raw, alpn.allows12 ? copenssl_tls1_2() : copenssl_tls1_3(), copenssl_tls1_3())
    copenssl_set_modes(raw)
    negotiate()
  }

  deinit {
    SSL_CTX_free(raw)
    for pointer in owned { pointer.deallocate() }
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
      context.verifyPeer()
    }
    return context
  }

  /// - Parameter checksTime: false on a machine that knows that its clock is wrong, and only with a fingerprint, which says enough.
  package static func client(
    certificate: String?, key: String?, trust: ServerTrust, alpn: ApplicationProtocol, checksTime: Bool = true
  ) throws(TLSError) -> TLSContext {
    let context = try TLSContext(.client, alpn)
    if !checksTime, case .fingerprint = trust { context.ignoreTime() }
    if let certificate, let key { try context.use(certificate: certificate, key: key) }
    switch trust {
    case .anchor(let path): try context.trust(path)
    case .fingerprint(let bytes):
      guard bytes.count == 16 else { throw .configuration("a fingerprint has 16 bytes, this one \(bytes.count)") }
      let kept = Self.copy(bytes)
      context.owned.append(kept)
      copenssl_trust_fingerprint(context.raw, kept)
    }
    context.verifyPeer()
    return context
  }

  /// A server of external pre-shared keys (RFC 8446, 2.2) and nothing else; always with (EC)DHE.
  /// - Parameter lookup: identity → 32-byte key. Called on the event loop: it must not wait.
  package static func pskServer(lookup: @escaping @Sendable (String) -> [UInt8]?, alpn: ApplicationProtocol = .cpns) throws(TLSError) -> TLSContext {
    let context = try TLSContext(.server, alpn, lookup: lookup)
    try context.restrictToPSKSuite()
    SSL_CTX_set_psk_find_session_callback(context.raw, TLSCallbacks.findKey)
    return context
  }

  /// - Parameter key: 32 bytes.
  package static func pskClient(identity: String, key: [UInt8], alpn: ApplicationProtocol = .cpns) throws(TLSError) -> TLSContext {
    guard key.count == 32 else { throw .configuration("a pre-shared key has 32 bytes, this one \(key.count)") }
    let context = try TLSContext(.client, alpn, ownKey: (identity, key))
    try context.restrictToPSKSuite()
    SSL_CTX_set_psk_use_session_callback(context.raw, TLSCallbacks.useKey)
    // Only the key proves the server: one that answers with a certificate instead fails, for there is no trust anchor.
    context.verifyPeer()
    return context
  }

  // MARK: Inside

  private func ignoreTime() {
    checksTime = false
    copenssl_ignore_time(raw)
  }

  private func verifyPeer() { SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, TLSCallbacks.verified) }

  private func restrictToPSKSuite() throws(TLSError) {
    guard SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256") == 1 else { throw .configuration(openSSLErrors()) }
  }

  private func use(certificate: String, key: String) throws(TLSError) {
    guard SSL_CTX_use_certificate_chain_file(raw, certificate) == 1 else {
      throw .configuration("certificate \(certificate): \(openSSLErrors())")
    }
    guard let loaded = copenssl_load_key(key) else { throw .configuration("private key \(PrivateKey.shown(key)): \(openSSLErrors())") }
    defer { EVP_PKEY_free(loaded) }
    guard SSL_CTX_use_PrivateKey(raw, loaded) == 1, SSL_CTX_check_private_key(raw) == 1 else {
      throw .configuration("private key \(PrivateKey.shown(key)) does not fit certificate \(certificate): \(openSSLErrors())")
    }
  }

  private func trust(_ path: String) throws(TLSError) {
    guard SSL_CTX_load_verify_file(raw, path) == 1 else { throw .configuration("trust anchor \(path): \(openSSLErrors())") }
  }

  private func negotiate() {
    if kind == .client {
      SSL_CTX_set_alpn_protos(raw, alpn.wire, UInt32(clamping: alpn.wire.count))
      return
    }
    let this = Unmanaged.passUnretained(self).toOpaque()
    SSL_CTX_set_alpn_select_cb(raw, TLSCallbacks.selectProtocol, this)
    if alpn.isRequired { SSL_CTX_set_client_hello_cb(raw, TLSCallbacks.clientHello, nil) }
  }

  /// A copy that its owner deallocates.
  private static func copy(_ bytes: [UInt8]) -> UnsafeMutablePointer<UInt8> {
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
    copy.update(from: bytes, count: bytes.count)
    return copy
  }
}
