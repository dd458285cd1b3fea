/// What `cpnsd claim new` prints: a one-time secret, and by what the server is known before there is trust.
package struct ClaimCode: Sendable, Equatable {
  /// 16 random bytes.
  package let secret: [UInt8]
  /// The first 16 bytes of SHA-256 over the server's trust anchor, DER.
  package let fingerprint: [UInt8]

  package init(secret: [UInt8], fingerprint: [UInt8]) {
    self.secret = secret
    self.fingerprint = fingerprint
  }

  package init(parsing text: some StringProtocol) throws(CodeError) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let secret = Base32.decode(parts[0]), let print = Base32.decode(parts[1]), secret.count == 16, print.count == 16
    else { throw CodeError(description: "a claim code is 26 characters, a dash and 26 characters, as `cpnsd claim new` prints it") }
    self.init(secret: secret, fingerprint: print)
  }

  package var text: String { Base32.encode(secret) + "-" + Base32.encode(fingerprint) }
}
