import COpenSSL
import Glibc

/// A private key, P-256 when we make it.
///
/// `@unchecked Sendable`: an EVP_PKEY counts its references atomically and is not changed once made.
package final class PrivateKey: @unchecked Sendable {
  let raw: OpaquePointer
  private init(raw: OpaquePointer) { self.raw = raw }
  deinit { EVP_PKEY_free(raw) }

  package static func generate() throws(TLSError) -> PrivateKey {
    guard let raw = copenssl_new_p256() else { throw .configuration(openSSLErrors()) }
    return PrivateKey(raw: raw)
  }

  /// - Parameter uri: a PEM file, or a URI of an OpenSSL provider.
  package static func load(_ uri: String) throws(TLSError) -> PrivateKey {
    guard let raw = copenssl_load_key(uri) else { throw .configuration("private key \(shown(uri)): \(openSSLErrors())") }
    return PrivateKey(raw: raw)
  }

  /// A path as it is, and of a URI its scheme: the rest may hold a PIN, and what is said of keys ends up in logs.
  package static func shown(_ uri: String) -> String {
    uri.hasPrefix("/") ? uri : uri.prefix { $0 != ":" } + ":(hidden)"
  }

  /// PKCS#8, for a file that only its owner reads.
  package var pem: [UInt8] { written { copenssl_write_key($0, raw) } }
}

/// An X.509 certificate.
///
/// `@unchecked Sendable`: as ``PrivateKey``.
package final class X509Certificate: @unchecked Sendable {
  let raw: OpaquePointer
  init(raw: OpaquePointer) { self.raw = raw }
  deinit { X509_free(raw) }

  package convenience init(der: [UInt8]) throws(TLSError) {
    let parsed = der.withUnsafeBufferPointer { buffer in
      var start = buffer.baseAddress
      return d2i_X509(nil, &start, buffer.count)
    }
    guard let parsed else { throw .configuration("not a certificate: \(openSSLErrors())") }
    self.init(raw: parsed)
  }

  /// The first certificate of a PEM text.
  package convenience init(pem: [UInt8]) throws(TLSError) {
    guard let bio = copenssl_read_bio(pem, Int32(clamping: pem.count)) else { throw .configuration(openSSLErrors()) }
    defer { BIO_free(bio) }
    guard let parsed = copenssl_read_certificate(bio) else { throw .configuration("not a PEM certificate: \(openSSLErrors())") }
    self.init(raw: parsed)
  }

  package var der: [UInt8] { written { i2d_X509_bio($0, raw) } }
  package var pem: [UInt8] { written { PEM_write_bio_X509($0, raw) } }
  /// Seconds since 1970.
  package var notBefore: Int64 { Certificate.notBefore(of: raw) }
  package var notAfter: Int64 { Certificate.notAfter(of: raw) }
  /// First URI among the subject alternative names.
  package var uri: String? { Certificate.uri(of: raw) }
  package var summary: String { Certificate.summary(of: raw) }
  /// All subject alternative names, in a text to be compared with another's.
  package var names: String { String(decoding: written { copenssl_print_names($0, raw) }, as: UTF8.self) }
  /// SHA-256 of the public key (SubjectPublicKeyInfo, DER): the same for every certificate of one key.
  package var keyDigest: [UInt8] { Cryptography.sha256(written { i2d_PUBKEY_bio($0, X509_get0_pubkey(raw)) }) }
  /// First 16 bytes of SHA-256 over the certificate: how a claim code names a trust anchor.
  package var fingerprint: [UInt8] { Array(Cryptography.sha256(der).prefix(16)) }
  package func fits(_ key: PrivateKey) -> Bool { X509_check_private_key(raw, key.raw) == 1 }
  package func isIssued(by issuer: X509Certificate) -> Bool { X509_verify(raw, X509_get0_pubkey(issuer.raw)) == 1 }
}

/// Makes what a CPNS Server and its gateways authenticate with.
package enum PKI {
  /// Days that certificates hold. A trust anchor outlives the boards. Gateways have theirs for as long as the server says, and renew
  /// long before.
  package static let anchorDays = 30 * 365
  package static let serverDays = 10 * 365
  package static let gatewayDays = 825

  /// - Parameter now: seconds since 1970; nil: this machine's clock.
  package static func makeAnchor(name: String, key: PrivateKey, now: Int64? = nil) throws(TLSError) -> X509Certificate {
    try certificate(subject: name, publicKey: key.raw, issuer: nil, signer: key, days: anchorDays, now: now, extensions: [
      (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"), (NID_key_usage, "critical,keyCertSign,cRLSign"), (NID_subject_key_identifier, "hash"),
    ])
  }

  /// - Parameter names: DNS names and address literals, at least one.
  package static func issueServer(
    names: [String], key: PrivateKey, anchor: X509Certificate, anchorKey: PrivateKey, now: Int64? = nil
  ) throws(TLSError) -> X509Certificate {
    let alternatives = names.map { ($0.isAddressLiteral ? "IP:" : "DNS:") + $0 }.joined(separator: ",")
    return try certificate(subject: names.first ?? "cpnsd", publicKey: key.raw, issuer: anchor, signer: anchorKey, days: serverDays, now: now, extensions: [
      (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"), (NID_ext_key_usage, "serverAuth"),
      (NID_authority_key_identifier, "keyid"),
      (NID_subject_alt_name, alternatives),
    ])
  }

  /// A PKCS#10 request, DER.
  package static func request(uri: String, name: String, key: PrivateKey) throws(TLSError) -> [UInt8] {
    guard let request = X509_REQ_new() else { throw .configuration(openSSLErrors()) }
    defer { X509_REQ_free(request) }
    guard X509_REQ_set_pubkey(request, key.raw) == 1, setName(X509_REQ_get_subject_name(request), name),
      copenssl_request_uri(request, "URI:" + uri) == 1, X509_REQ_sign(request, key.raw, EVP_sha256()) > 0
    else { throw .configuration("certificate request: \(openSSLErrors())") }
    return written { i2d_X509_REQ_bio($0, request) }
  }

  /// Checks the request's own signature and that it is for `uri`, and issues a client certificate for it.
  /// - Parameter days: that it holds, 1 or more.
  package static func issueGateway(
    request der: [UInt8], uri: String, anchor: X509Certificate, anchorKey: PrivateKey, days: Int = gatewayDays, now: Int64? = nil
  ) throws(TLSError) -> X509Certificate {
    let parsed = der.withUnsafeBufferPointer { buffer in
      var start = buffer.baseAddress
      return d2i_X509_REQ(nil, &start, buffer.count)
    }
    guard let request = parsed else { throw .untrusted("not a PKCS#10 request: \(openSSLErrors())") }
    defer { X509_REQ_free(request) }
    guard let key = X509_REQ_get0_pubkey(request), X509_REQ_verify(request, key) == 1 else { throw .untrusted("the request's signature is wrong") }
    guard requestURI(request) == uri else { throw .untrusted("the request's URI subject alternative name is not \(uri)") }
    return try certificate(subject: uri, publicKey: key, issuer: anchor, signer: anchorKey, days: days, now: now, extensions: [
      (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"), (NID_ext_key_usage, "clientAuth"),
      (NID_authority_key_identifier, "keyid"),
      (NID_subject_alt_name, "URI:" + uri),
    ])
  }

  private static func requestURI(_ request: OpaquePointer) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress else { return nil }
      return copenssl_request_first_uri(request, base, 256) > 0 ? String(cString: base) : nil
    }
  }

  private static func setName(_ name: OpaquePointer?, _ text: String) -> Bool {
    let bytes = Array(text.utf8.prefix(64))
    return X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING, bytes, Int32(bytes.count), -1, 0) == 1
  }

  private static func certificate(
    subject: String, publicKey: OpaquePointer, issuer: X509Certificate?, signer: PrivateKey, days: Int, now: Int64?, extensions: [(Int32, String)]
  ) throws(TLSError) -> X509Certificate {
    guard let raw = X509_new() else { throw .configuration(openSSLErrors()) }
    let made = X509Certificate(raw: raw)
    let serial = BN_bin2bn(Cryptography.random(16), 16, nil)
    defer { BN_free(serial) }
    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(raw))
    X509_set_version(raw, 2)
    // A board's clock that is a day late must not refuse a fresh certificate.
    copenssl_set_lifetime(raw, now ?? Int64(time(nil)), Int32(clamping: days), -86_400)
    var ok = setName(X509_get_subject_name(raw), subject)
    ok = ok && X509_set_issuer_name(raw, issuer.map { X509_get_subject_name($0.raw) } ?? X509_get_subject_name(raw)) == 1
    ok = ok && X509_set_pubkey(raw, publicKey) == 1
    for (nid, value) in extensions { ok = ok && copenssl_add_extension(raw, issuer?.raw, nid, value) == 1 }
    guard ok, X509_sign(raw, signer.raw, EVP_sha256()) > 0 else { throw .configuration("certificate for \(subject): \(openSSLErrors())") }
    return made
  }
}
