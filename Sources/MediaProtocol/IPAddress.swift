/// An IPv4 or IPv6 address.
package struct IPAddress: Hashable, Sendable {
  /// 4 or 16, network order.
  package let bytes: [UInt8]

  package init?(bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  package init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) { bytes = [a, b, c, d] }

  /// An address literal in its usual form: `192.0.2.1`, `2001:db8::1`. No names, zones, octal, hexadecimal or short forms.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count <= 45, let bytes = text.utf8.contains(UInt8(ascii: ":")) ? Self.six(text) : Self.four(text) else { return nil }
    self.bytes = bytes
  }

  package var isIPv4: Bool { bytes.count == 4 }

  package var isLoopback: Bool {
    isIPv4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
  }
  package var isMulticast: Bool { isIPv4 ? (224...239).contains(bytes[0]) : bytes[0] == 0xFF }
  /// 0.0.0.0/8 (RFC 1122, 3.2.1.3) or `::`.
  package var isUnspecified: Bool { isIPv4 ? bytes[0] == 0 : bytes.allSatisfy { $0 == 0 } }
  /// 240.0.0.0/4 with the limited broadcast address (RFC 1112, 4).
  package var isReserved: Bool { isIPv4 && bytes[0] >= 240 }
  /// An IPv4 address in IPv6 clothes (RFC 4291, 2.5.5): a way around checks of IPv4 addresses.
  package var isMappedIPv4: Bool { !isIPv4 && bytes.prefix(10).allSatisfy { $0 == 0 } && !isUnspecified && !isLoopback }

  /// Whether the first `prefix` bits are the same.
  package func shares(prefix: Int, with other: IPAddress) -> Bool {
    guard bytes.count == other.bytes.count else { return false }
    for (index, (mine, theirs)) in zip(bytes, other.bytes).enumerated() {
      let bits = min(8, max(0, prefix - index * 8))
      let mask = bits == 0 ? 0 : UInt8(truncatingIfNeeded: 0xFF << (8 - bits))
      if mine & mask != theirs & mask { return false }
    }
    return true
  }

  private static func four(_ text: some StringProtocol) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      guard part.utf8.allSatisfy({ (48...57).contains($0) }), let byte = UInt8(part), String(byte) == part else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func six(_ text: some StringProtocol) -> [UInt8]? {
    let text = String(text)
    guard let gap = text.firstRange(of: "::") else {
      let whole = groups(text, isEnd: true)
      return whole?.count == 16 ? whole : nil
    }
    guard let head = groups(text[..<gap.lowerBound], isEnd: false), let tail = groups(text[gap.upperBound...], isEnd: true), head.count + tail.count <= 14 else { return nil }
    return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
  }

  /// `a:b:c`; at the end of the address the last may be an IPv4 address.
  private static func groups(_ text: some StringProtocol, isEnd: Bool) -> [UInt8]? {
    if text.isEmpty { return [] }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 8 else { return nil }
    var bytes: [UInt8] = []
    for (index, part) in parts.enumerated() {
      if isEnd, index == parts.count - 1, part.contains("."), let quad = four(part) {
        bytes += quad
      } else {
        guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(\.isHexDigit), let group = UInt16(part, radix: 16) else { return nil }
        bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
      }
    }
    return bytes
  }
}

extension IPAddress: CustomStringConvertible {
  package var description: String {
    if isIPv4 { return bytes.map(String.init).joined(separator: ".") }
    let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
    return groups.map { String($0, radix: 16) }.joined(separator: ":")
  }
}

extension UInt8 {
  var isHexDigit: Bool { (48...57).contains(self) || (65...70).contains(self) || (97...102).contains(self) }
}

extension StringProtocol {
  /// Where `other` begins first. The standard library has it for strings only on some platforms.
  func firstRange(of other: String) -> Range<Index>? {
    guard !other.isEmpty else { return nil }
    var start = startIndex
    while start < endIndex {
      let rest = self[start...]
      if rest.hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
      start = index(after: start)
    }
    return nil
  }
}
