import COpenSSL

/// One TLS connection over two memory buffers: ciphertext in, ciphertext out, and plaintext in between.
///
/// Used on one event loop only.
final class TLSConnection {
  enum Step: Equatable {
    case done
    case needsInput
    case failed(TLSError)
  }

  private let context: TLSContext
  private let ssl: OpaquePointer
  private let input: OpaquePointer
  private let output: OpaquePointer
  /// What the peer offered, whether or not it proved it.
  private(set) var offeredIdentity: String?

  /// - Parameters:
  ///   - host: the name or address that the server's certificate must be for (clients).
  ///   - now: seconds since 1970 for certificate lifetimes.
  init(_ context: TLSContext, host: String?, now: Int64?) throws(TLSError) {
    guard let ssl = SSL_new(context.raw), let input = copenssl_memory_bio(), let output = copenssl_memory_bio() else {
      throw .configuration(openSSLErrors())
    }
    self.context = context
    self.ssl = ssl
    self.input = input
    self.output = output
    SSL_set_bio(ssl, input, output)
    if let now { copenssl_set_time(ssl, now) }
    if context.kind == .server {
      SSL_set_accept_state(ssl)
    } else {
      SSL_set_connect_state(ssl)
      if let host, copenssl_expect_host(ssl, host, host.isAddressLiteral ? 1 : 0) != 1 { throw .configuration("\(host) is not a host name or address") }
    }
    copenssl_set_app_data(ssl, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit { SSL_free(ssl) }

  func key(for identity: String) -> [UInt8]? {
    offeredIdentity = identity
    return context.lookup?(identity)
  }

  // MARK: Ciphertext

  func feed(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    _ = BIO_write(input, base, Int32(clamping: bytes.count))
  }

  var pendingOutput: Int { copenssl_pending(output) }

  /// - Returns: how many bytes were put into `buffer`.
  func takeOutput(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    return max(0, Int(BIO_read(output, base, Int32(clamping: buffer.count))))
  }

  // MARK: Plaintext

  func handshake() -> Step {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    return result == 1 ? .done : step(after: result, inHandshake: true)
  }

  /// - Returns: the bytes read, or why there are none. `.done` is the peer's close_notify.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> (Int, Step?) {
    ERR_clear_error()
    let count = SSL_read(ssl, buffer.baseAddress, Int32(clamping: buffer.count))
    return count > 0 ? (Int(count), nil) : (0, step(after: count, inHandshake: false))
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> Step {
    var rest = bytes
    while !rest.isEmpty {
      ERR_clear_error()
      let written = SSL_write(ssl, rest.baseAddress, Int32(clamping: rest.count))
      guard written > 0 else { return step(after: written, inHandshake: false) }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(Int(written)))
    }
    return .done
  }

  /// Puts close_notify into the output.
  func shutdown() {
    ERR_clear_error()
    SSL_shutdown(ssl)
  }

  // MARK: What was proved

  var established: TLSEstablished {
    guard let certificate = SSL_get0_peer_certificate(ssl) else {
      return TLSEstablished(certificateURI: nil, hasCertificate: false, pskIdentity: context.lookup == nil ? nil : offeredIdentity)
    }
    return TLSEstablished(certificateURI: Certificate.uri(of: certificate), hasCertificate: true, pskIdentity: nil)
  }

  /// Whether the pre-shared key was what the handshake stood on.
  var usedPSK: Bool { SSL_session_reused(ssl) == 1 }

  private func step(after result: Int32, inHandshake: Bool) -> Step {
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: .needsInput
    case SSL_ERROR_ZERO_RETURN: .done
    default: .failed(inHandshake ? handshakeFailure() : .broken(openSSLErrors()))
    }
  }

  private func handshakeFailure() -> TLSError {
    let verdict = SSL_get_verify_result(ssl)
    let queue = openSSLErrors()
    guard verdict != Int(X509_V_OK) else { return .untrusted(Self.plain(queue)) }
    let reason = X509_verify_cert_error_string(verdict).map { String(cString: $0) } ?? "code \(verdict)"
    let shown = SSL_get0_peer_certificate(ssl).map { " (\(Certificate.summary(of: $0)))" } ?? ""
    return .untrusted("the peer's certificate was refused: \(reason)\(shown)")
  }

  /// The alerts that people meet, with what to look at.
  private static func plain(_ queue: String) -> String {
    let hints: [(String, String)] = [
      ("certificate expired", "the peer says that our certificate has expired"),
      ("unknown ca", "the peer does not trust who issued our certificate"),
      ("certificate required", "the peer wants a certificate and we have none"),
      ("bad certificate", "the peer refused our certificate"),
      ("no application protocol", "the peer does not speak cpns/1"),
      ("unsupported protocol", "the peer does not speak TLS 1.3"),
      ("decrypt error", "the pre-shared key is wrong"),
      ("binder does not verify", "the pre-shared key is wrong"),
      ("alert illegal parameter", "the peer refused the handshake; with a pre-shared key: the key is wrong"),
    ]
    for (sign, words) in hints where queue.contains(sign) { return "\(words) (\(queue))" }
    return "the TLS handshake failed: \(queue)"
  }
}

extension String {
  /// IPv4 or IPv6 address literal.
  var isAddressLiteral: Bool {
    contains(":") || (split(separator: ".").count == 4 && allSatisfy { $0.isNumber || $0 == "." })
  }
}
