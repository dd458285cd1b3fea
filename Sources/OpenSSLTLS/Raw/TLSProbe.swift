import COpenSSL
import Glibc
import NIOCore

/// One handshake with a server over a connected socket, to tell a person how it went and what the server sent. Blocks; for tools.
package struct TLSProbe {
  package enum Verdict: Sendable, Hashable { case expired, early, otherName, unknownIssuer, other }

  package enum Outcome: Sendable, Hashable {
    /// It stands, and the server had the time to refuse our certificate and did not.
    case stands
    case untrusted(Verdict, String)
    /// The server refuses us.
    case refused(String)
    /// What answers speaks something else.
    case foreign(String)
  }

  /// Time for each of the handshake's answers.
  private static let answerMilliseconds: CInt = 5000
  /// In TLS 1.3 a client learns after the handshake that its certificate was refused.
  private static let refusalMilliseconds: CInt = 2000

  package let outcome: Outcome
  /// What the server sent, its own certificate first.
  package let chain: [X509Certificate]

  /// - Parameters:
  ///   - descriptor: connected; stays the caller's.
  ///   - now: seconds since 1970.
  package init(descriptor: CInt, context: TLSContext, host: String, now: Int64) throws(TLSError) {
    let connection = try TLSConnection(context, host: host, now: now)
    connection.keepsChain = true
    outcome = Self.converse(connection, descriptor)
    if case .stands = outcome { connection.keepPeerChain() }
    if case .refused = outcome { connection.keepPeerChain() }
    chain = connection.chain
  }

  private static func converse(_ connection: TLSConnection, _ descriptor: CInt) -> Outcome {
    var stands = false
    if case .failed(let error) = connection.begin() { return .foreign(error.description) }
    guard send(connection, descriptor) else { return .foreign("it took nothing of what was sent") }
    while true {
      guard isReadable(descriptor, within: stands ? refusalMilliseconds : answerMilliseconds) else {
        return stands ? .stands : .foreign("it took the connection and says nothing of TLS")
      }
      let bytes = receive(descriptor)
      if bytes.isEmpty { return stands ? .refused("it closed the link after the handshake") : .foreign("it closed the connection during the handshake") }
      let progress = bytes.withUnsafeBytes { connection.advance($0, ByteBufferAllocator()) }
      _ = send(connection, descriptor)
      if progress.established != nil { stands = true }
      if case .failed(let error) = progress.step { return meaning(of: error, connection, stands) }
      if progress.plain.readableBytes > 0 { return .stands }
    }
  }

  private static func meaning(of error: TLSError, _ connection: TLSConnection, _ stands: Bool) -> Outcome {
    if stands { return .refused(error.description) }
    guard let verdict = connection.verdict else { return .foreign(error.description) }
    switch verdict {
    case X509_V_ERR_CERT_HAS_EXPIRED: return .untrusted(.expired, error.description)
    case X509_V_ERR_CERT_NOT_YET_VALID: return .untrusted(.early, error.description)
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: return .untrusted(.otherName, error.description)
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
      X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_CERT_UNTRUSTED, X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return .untrusted(.unknownIssuer, error.description)
    default: return .untrusted(.other, error.description)
    }
  }

  // MARK: The socket

  private static func send(_ connection: TLSConnection, _ descriptor: CInt) -> Bool {
    guard var output = connection.takeOutput() else { return true }
    while let bytes = output.readBytes(length: min(output.readableBytes, 16 << 10)), !bytes.isEmpty {
      guard Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count else { return false }
    }
    return true
  }

  private static func isReadable(_ descriptor: CInt, within milliseconds: CInt) -> Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&wanted, 1, milliseconds) > 0
  }

  private static func receive(_ descriptor: CInt) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, filled in
      filled = max(0, recv(descriptor, buffer.baseAddress, buffer.count, 0))
    }
  }
}
