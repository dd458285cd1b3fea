import COpenSSL

/// Why there is no trust, in words for the person who has to mend it. Holds no secret.
struct Refusal {
  /// Whose certificate it is: "the server", "the client".
  let owner: String
  /// The name or address that it had to be for.
  let wanted: String?
  /// Seconds since 1970 by the clock that was used.
  let now: Int64

  /// - Parameter verdict: `X509_V_ERR_…`
  func words(for verdict: Int32, _ certificate: OpaquePointer?) -> String {
    let its = "\(owner)'s certificate"
    let whose = certificate.map { " (\(Certificate.summary(of: $0)))" } ?? ""
    switch verdict {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "\(its) expired on \(date(certificate, Certificate.notAfter)), and here it is \(Certificate.text(seconds: now)): renew it, or set this clock\(whose)"
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "\(its) is not valid yet: it begins on \(date(certificate, Certificate.notBefore)), and here it is \(Certificate.text(seconds: now)): set this clock\(whose)"
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "\(its) is for another name: wanted \(wanted ?? "none"), it has \(certificate.map(Certificate.names) ?? "none")"
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
      X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_CERT_UNTRUSTED:
      return "\(its) comes from an unknown CA: our trust anchor does not vouch for it\(whose)"
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: return "\(its) comes from an unknown CA: its signature is not our trust anchor's\(whose)"
    case X509_V_ERR_APPLICATION_VERIFICATION: return "\(owner) is another one: no certificate that it sent has the fingerprint that was asked for\(whose)"
    case X509_V_ERR_INVALID_PURPOSE: return "\(its) is not made for this side of a link\(whose)"
    default: return "\(its) was refused: \(String(cString: X509_verify_cert_error_string(Int(verdict))))\(whose)"
    }
  }

  private func date(_ certificate: OpaquePointer?, _ read: (OpaquePointer) -> Int64) -> String {
    certificate.map { Certificate.text(seconds: read($0)) } ?? "an unknown date"
  }

  // MARK: Handshakes

  static func words(for queue: ErrorQueue, in context: TLSContext, identity: String?) -> String {
    if let alert = queue.alert { return words(forAlert: alert, in: context) ?? "the peer refused the TLS handshake: \(queue.words)" }
    switch queue.reason {
    case SSL_R_BINDER_DOES_NOT_VERIFY: return "the pre-shared key does not fit its identity \(identity ?? "")"
    case SSL_R_NO_APPLICATION_PROTOCOL, SSL_R_CALLBACK_FAILED: return "the peer does not speak \(context.alpn.text)"
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW: return "the peer does not speak \(context.alpn.allows12 ? "TLS 1.2 or 1.3" : "TLS 1.3")"
    case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_UNEXPECTED_MESSAGE, SSL_R_PACKET_LENGTH_TOO_LONG,
      SSL_R_BAD_RECORD_TYPE:
      return "what came is not a TLS handshake (\(queue.words))"
    case _ where context.lookup != nil && identity != nil: return "there is no pre-shared key for the identity \(identity ?? "")"
    case _ where context.lookup != nil: return "the peer offered no pre-shared key"
    default: return "the TLS handshake failed: \(queue.words)"
    }
  }

  /// - Parameter alert: RFC 8446, 6; nil is returned for one that is not about trust.
  static func words(forAlert alert: Int32, in context: TLSContext) -> String? {
    switch alert {
    case SSL_AD_CERTIFICATE_EXPIRED: "the peer says that our certificate is outside its time"
    case SSL_AD_UNKNOWN_CA: "the peer does not know the CA of our certificate"
    case SSL_AD_CERTIFICATE_REQUIRED: "the peer wants a certificate, and we have none"
    case SSL_AD_BAD_CERTIFICATE, SSL_AD_UNSUPPORTED_CERTIFICATE, SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_CERTIFICATE_REVOKED: "the peer refused our certificate"
    case SSL_AD_DECRYPT_ERROR where !context.usesPSK: "the peer could not verify our certificate: it may come from another CA of the same name"
    case SSL_AD_NO_APPLICATION_PROTOCOL: "the peer does not speak \(context.alpn.text)"
    case SSL_AD_PROTOCOL_VERSION: "the peer does not speak \(context.alpn.allows12 ? "TLS 1.2 or 1.3" : "TLS 1.3")"
    case SSL_AD_DECRYPT_ERROR where context.usesPSK, SSL_AD_ILLEGAL_PARAMETER where context.usesPSK: "the peer has another pre-shared key for us"
    case SSL_AD_UNKNOWN_PSK_IDENTITY where context.usesPSK, SSL_AD_HANDSHAKE_FAILURE where context.usesPSK: "the peer knows no pre-shared key of ours"
    default: nil
    }
  }
}
