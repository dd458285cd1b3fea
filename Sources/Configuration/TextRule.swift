/// What a text may be.
package struct TextRule: Sendable {
  /// For people, after "expected".
  package let expects: String
  package let accepts: @Sendable (String) -> Bool

  /// The same, or nothing at all.
  func orEmpty(_ meaning: String) -> TextRule {
    TextRule(expects: "\(expects), or \"\" (\(meaning))") { [accepts] in $0.isEmpty || accepts($0) }
  }

  /// For people and for DNS-SD, whose names end at 63 bytes (RFC 6763, 4.1.1).
  static let name = TextRule(expects: "a name of 1 to 63 bytes without control characters") {
    (1...63).contains($0.utf8.count) && isPrintable($0)
  }
  /// PATH_MAX less what we put behind it.
  static let path = TextRule(expects: "an absolute path of at most 3072 bytes") { isPath($0, atMost: 3072) }
  /// sockaddr_un holds 108 bytes with the final NUL.
  static let socketPath = TextRule(expects: "an absolute path of at most 107 bytes") { isPath($0, atMost: 107) }
  static let keyFile = TextRule(expects: "the absolute path of a PEM file or a URI of an OpenSSL provider") {
    isPath($0, atMost: 3072) || isURI($0)
  }
  static let address = TextRule(expects: "an IPv4 or IPv6 address literal") { AddressLiteral.isValid($0) }
  static let server = TextRule(expects: "HOST:PORT, an IPv6 address in brackets") { HostName.isServer($0) }
  static let host = TextRule(expects: "a DNS name or an address literal") { HostName.isValid($0[...]) || AddressLiteral.isValid($0) }
  /// IFNAMSIZ is 16 with the final NUL.
  static let interface = TextRule(expects: "the name of a network interface, 1 to 15 bytes") { text in
    (1...15).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
  }
  static let group = TextRule(expects: "the name of a group, 1 to 32 letters, digits, \"_\", \"-\" or \".\"") { text in
    (1...32).contains(text.utf8.count) && text.utf8.allSatisfy { HostName.isAlphanumeric($0) || "_-.".utf8.contains($0) }
  }

  private static func isPrintable(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
  }
  private static func isPath(_ text: String, atMost: Int) -> Bool {
    text.hasPrefix("/") && text.utf8.count <= atMost && isPrintable(text)
  }
  private static func isURI(_ text: String) -> Bool {
    let scheme = text.prefix { $0 != ":" }
    return text.utf8.count <= 3072 && scheme.utf8.count < text.utf8.count && !scheme.isEmpty && isPrintable(text)
      && scheme.utf8.allSatisfy { HostName.isAlphanumeric($0) || "+-.".utf8.contains($0) }
  }
}
