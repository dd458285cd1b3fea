import COpenSSL
import Glibc
import NIOCore

/// One TLS connection: ciphertext in, ciphertext out, and plaintext in between.
///
/// Used on one event loop only. Holds no bytes of its own between two calls but those of an incomplete record.
final class TLSConnection {
  enum Step: Equatable {
    case done
    case needsInput
    case failed(TLSError)
  }

  /// What came of some ciphertext.
  struct Progress {
    /// The handshake was finished by it.
    var established: TLSEstablished?
    var plain: ByteBuffer
    /// `.done`: the peer's close_notify.
    var step: Step
  }

  private let context: TLSContext
  private let ssl: OpaquePointer
  private let host: String?
  private let now: Int64?
  private var input = UnsafeRawBufferPointer(start: nil, count: 0)
  private var output = ByteBuffer()
  private var isHandshaking = true
  /// Why the peer's certificate was refused, as the verification said it.
  private var refusal: String?
  /// `X509_V_ERR_…`, when it was refused.
  private(set) var verdict: Int32?
  /// What the peer sent; kept for ``TLSProbe`` only.
  private(set) var chain: [X509Certificate] = []
  var keepsChain = false
  /// What the peer offered, whether or not it proved it.
  private(set) var offeredIdentity: String?

  /// - Parameters:
  ///   - host: the name or address that the server's certificate must be for (clients).
  ///   - now: seconds since 1970 for certificate lifetimes; nil: this machine's clock.
  init(_ context: TLSContext, host: String?, now: Int64?) throws(TLSError) {
    guard let ssl = SSL_new(context.raw) else { throw .configuration(openSSLErrors()) }
    self.context = context
    self.ssl = ssl
    self.host = host.map { String($0.prefix { $0 != "%" }) }  // an IPv6 zone is no part of the name
    self.now = now
    guard let bio = ConnectionBIO.make(for: self) else { throw .configuration(openSSLErrors()) }
    SSL_set_bio(ssl, bio, bio)
    SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
    if let now, context.checksTime { copenssl_set_time(ssl, now) }
    if context.kind == .server {
      SSL_set_accept_state(ssl)
      return
    }
    SSL_set_connect_state(ssl)
    guard let host = self.host, !context.usesPSK else { return }
    guard copenssl_expect_host(ssl, host, host.isAddressLiteral ? 1 : 0) == 1 else {
      throw .configuration("\"\(host)\" is not a host name or address")
    }
  }

  deinit { SSL_free(ssl) }

  /// The connection that OpenSSL calls back about.
  static func of(_ ssl: OpaquePointer?) -> TLSConnection? {
    SSL_get_ex_data(ssl, 0).map { Unmanaged<TLSConnection>.fromOpaque($0).takeUnretainedValue() }
  }

  func key(for identity: String) -> [UInt8]? {
    offeredIdentity = identity
    return context.lookup?(identity)
  }

  var ownKey: TLSContext.PreSharedKey? { context.ownKey }

  func keep(_ certificates: OpaquePointer?) {
    guard keepsChain, let certificates else { return }
    chain = (0..<min(copenssl_chain_count(certificates), Self.longestChain)).compactMap { copenssl_chain_get(certificates, $0).map(X509Certificate.init(raw:)) }
  }
  private static let longestChain: Int32 = 10

  /// After a handshake that stands.
  func keepPeerChain() { keep(SSL_get_peer_cert_chain(ssl)) }

  func refuse(_ certificate: OpaquePointer?, _ verdict: Int32) {
    self.verdict = verdict
    let owner = context.kind == .client ? "the server" : "the client"
    refusal = Refusal(owner: owner, wanted: host, now: now ?? Int64(time(nil))).words(for: verdict, certificate)
  }

  // MARK: Ciphertext

  func takeInput(into space: UnsafeMutableRawBufferPointer) -> Int {
    let part = UnsafeRawBufferPointer(rebasing: input.prefix(space.count))
    space.copyMemory(from: part)
    input = UnsafeRawBufferPointer(rebasing: input.dropFirst(part.count))
    return part.count
  }

  func putOutput(_ bytes: UnsafeRawBufferPointer) { output.writeBytes(bytes) }

  /// What is to be sent, or nil.
  func takeOutput() -> ByteBuffer? {
    guard output.readableBytes > 0 else { return nil }
    defer { output = ByteBuffer() }
    return output
  }

  // MARK: Steps

  /// The client speaks first.
  func begin() -> Step {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    return result == 1 ? .done : handshakeStep(after: result)
  }

  /// Takes ciphertext as far as it goes.
  func advance(_ bytes: UnsafeRawBufferPointer, _ allocator: ByteBufferAllocator) -> Progress {
    input = bytes
    defer { input = UnsafeRawBufferPointer(start: nil, count: 0) }
    var progress = Progress(established: nil, plain: ByteBuffer(), step: .needsInput)
    if isHandshaking {
      let step = begin()
      guard case .done = step else { return Progress(established: nil, plain: progress.plain, step: step) }
      isHandshaking = false
      guard speaksOurProtocol else {
        progress.step = .failed(.untrusted("the peer does not speak \(context.alpn.text)"))
        return progress
      }
      progress.established = established
    }
    progress.plain = allocator.buffer(capacity: max(bytes.count, Self.smallestRead))
    progress.step = drain(into: &progress.plain)
    return progress
  }

  private func drain(into plain: inout ByteBuffer) -> Step {
    while true {
      ERR_clear_error()
      var result: Int32 = 0
      plain.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.smallestRead) { space in
        result = SSL_read(ssl, space.baseAddress, Int32(clamping: space.count))
        return max(0, Int(result))
      }
      if result <= 0 { return openStep(after: result) }
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> Step {
    output.reserveCapacity(output.readableBytes + bytes.count + (bytes.count / Self.recordSize + 1) * Self.recordOverhead)
    var rest = bytes
    while !rest.isEmpty {
      ERR_clear_error()
      let written = SSL_write(ssl, rest.baseAddress, Int32(clamping: rest.count))
      guard written > 0 else { return openStep(after: written) }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(Int(written)))
    }
    return .done
  }

  /// Puts close_notify into the output.
  func shutdown() {
    ERR_clear_error()
    SSL_shutdown(ssl)
  }

  private static let smallestRead = 512
  private static let recordSize = 16 << 10
  /// Header, content type and tag of a TLS 1.3 record, rounded up.
  private static let recordOverhead = 32

  // MARK: What was proved

  private var established: TLSEstablished {
    guard let certificate = SSL_get0_peer_certificate(ssl) else {
      return TLSEstablished(certificateURI: nil, hasCertificate: false, pskIdentity: context.lookup == nil ? nil : offeredIdentity)
    }
    return TLSEstablished(certificateURI: Certificate.uri(of: certificate), hasCertificate: true, pskIdentity: nil)
  }

  /// A server that knows no ALPN finishes the handshake all the same.
  private var speaksOurProtocol: Bool {
    guard context.alpn.isRequired else { return true }
    var chosen: UnsafePointer<UInt8>? = nil
    var length: UInt32 = 0
    SSL_get0_alpn_selected(ssl, &chosen, &length)
    return context.alpn.names.contains { $0.utf8.elementsEqual(UnsafeBufferPointer(start: chosen, count: Int(length))) }
  }

  private func handshakeStep(after result: Int32) -> Step {
    if SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ { return .needsInput }
    let queue = ErrorQueue()
    if let refusal { return .failed(.untrusted(refusal)) }
    return .failed(.untrusted(Refusal.words(for: queue, in: context, identity: offeredIdentity)))
  }

  /// After a TLS 1.3 handshake the client learns only now that the server refused its certificate.
  private func openStep(after result: Int32) -> Step {
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .needsInput
    case SSL_ERROR_ZERO_RETURN: return .done
    default:
      let queue = ErrorQueue()
      if let alert = queue.alert, let words = Refusal.words(forAlert: alert, in: context) { return .failed(.untrusted(words)) }
      return .failed(.broken("the TLS stream is broken: \(queue.words)"))
    }
  }
}

extension String {
  /// IPv4 or IPv6 address literal.
  var isAddressLiteral: Bool {
    contains(":") || (split(separator: ".").count == 4 && allSatisfy { $0.isNumber || $0 == "." })
  }
}
