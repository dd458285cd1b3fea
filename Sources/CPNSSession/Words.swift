package import CPNSMessages

extension Cpns_V1_Code {
  /// The table in docs/protocol.md: whether the same request may succeed later.
  package var mayRetry: Bool {
    switch self {
    case .notReady, .busy, .timedOut, .unreachable, .internal: true
    case .unspecified, .ok, .malformed, .unsupported, .versionUnsupported, .unauthenticated, .forbidden, .notFound, .conflict,
      .tooLarge, .refused, .UNRECOGNIZED:
      false
    }
  }
}

extension LinkError {
  /// For people.
  package var words: String {
    switch self {
    case .unreachable(let text), .untrusted(let text), .lost(let text), .malformed(let text): text
    case .tooLarge(let bytes, let limit): "a message of \(bytes) bytes, the peer takes \(limit)"
    }
  }
}

extension SessionError {
  /// For people.
  package var words: String {
    switch self {
    case .lost(let text), .malformed(let text): text
    case .timedOut: "no answer in time"
    case .refused(let code, let detail): "\(code): \(detail)"
    case .busy: "too much is under way on this link"
    }
  }
}
