import COpenSSL

/// OpenSSL's error queue of this thread, taken out.
struct ErrorQueue {
  private(set) var texts: [String] = []
  /// Reason of the first error of the TLS library itself (`SSL_R_…`).
  private(set) var reason: Int32?

  init() {
    while case let code = ERR_get_error(), code != 0 {
      if reason == nil, ERR_GET_LIB(code) == ERR_LIB_SSL { reason = ERR_GET_REASON(code) }
      if let text = ERR_reason_error_string(code).map({ String(cString: $0) }), !texts.contains(text) { texts.append(text) }
    }
  }

  /// The alert that the peer sent (RFC 8446, 6), when that is what went wrong.
  var alert: Int32? { reason.flatMap { $0 >= Self.alertOffset && $0 < Self.alertOffset + 256 ? $0 - Self.alertOffset : nil } }

  var words: String { texts.isEmpty ? "no reason given" : texts.joined(separator: "; ") }

  /// `SSL_AD_REASON_OFFSET`
  private static let alertOffset: Int32 = 1000
}

/// OpenSSL's error queue of this thread as words, emptied.
func openSSLErrors() -> String { ErrorQueue().words }
