/// Names of hosts, and `HOST:PORT`.
enum HostName {
  /// A DNS name as hosts have them (RFC 1123, 2.1): labels of 1 to 63 letters, digits and hyphens, 253 bytes in all. A name
  /// whose last label is a number is an address that was mistyped.
  static func isValid(_ text: Substring) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard text.utf8.count <= 253, labels.allSatisfy(isLabel), let last = labels.last else { return false }
    return !last.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// `HOST:PORT` with a name, an IPv4 address, or an IPv6 address in brackets, and a port from 1.
  static func isServer(_ text: String) -> Bool {
    guard let colon = text.lastIndex(of: ":") else { return false }
    let (host, port) = (text[..<colon], text[text.index(after: colon)...])
    guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(port), number > 0 else { return false }
    if host.hasPrefix("["), host.hasSuffix("]") { return host.contains(":") && AddressLiteral.isValid(String(host.dropFirst().dropLast())) }
    return isValid(host) || (!host.contains(":") && AddressLiteral.isValid(String(host)))
  }

  static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
    default: false
    }
  }

  private static func isLabel(_ text: Substring) -> Bool {
    (1...63).contains(text.utf8.count) && !text.hasPrefix("-") && !text.hasSuffix("-")
      && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
  }
}
