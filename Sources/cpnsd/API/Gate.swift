import HTTPServing
import OpenSSLTLS

/// Lets in who shows the token, before anything else of a request is looked at.
struct Gate: Sendable {
  private let digest: [UInt8]

  init(token: [UInt8]) { digest = Cryptography.sha256(token) }

  func admit(_ request: HTTPRequest) throws(HTTPFailure) {
    // Digests are compared, in constant time: neither the token's bytes nor its length show in how long it takes.
    guard let shown = Self.bearer(request.headers["authorization"]), Cryptography.equal(Cryptography.sha256(shown), digest) else {
      throw HTTPFailure(
        401, "unauthorized", "the request shows no token, or another one",
        remedy: "send \"Authorization: Bearer \" and what the file api-token in the server's state directory holds",
        headers: ["WWW-Authenticate": "Bearer realm=\"cpnsd\""])
    }
  }

  /// The scheme may have either case (RFC 9110, 11.1).
  private static func bearer(_ field: String?) -> [UInt8]? {
    guard let words = field?.split(separator: " "), words.count == 2, words[0].lowercased() == "bearer" else { return nil }
    return Array(words[1].utf8)
  }
}
