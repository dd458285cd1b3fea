/// What a `Range` header asks for (RFC 9110, 14.2).
package enum ByteRange: Equatable, Sendable {
  /// No range, another unit, or several ranges: the whole content answers all of them.
  case whole
  /// Both inclusive; `last` nil: to the end.
  case from(UInt64, last: UInt64?)
  /// The last so many bytes.
  case suffix(UInt64)
  /// It says bytes, and then no range.
  case malformed

  package init(_ header: String?) {
    guard let header else {
      self = .whole
      return
    }
    let halves = header.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard halves.count == 2, Self.plain(halves[0]).lowercased() == "bytes" else {
      self = .whole
      return
    }
    self = halves[1].contains(",") ? .whole : Self.one(Self.plain(halves[1])) ?? .malformed
  }

  private static func one(_ text: Substring) -> ByteRange? {
    let sides = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { plain($0) }
    guard sides.count == 2 else { return nil }
    if sides[0].isEmpty { return number(sides[1]).map { .suffix($0) } }
    guard let first = number(sides[0]) else { return nil }
    if sides[1].isEmpty { return .from(first, last: nil) }
    guard let last = number(sides[1]), last >= first else { return nil }
    return .from(first, last: last)
  }

  /// Digits only. What is too large for a number is beyond every end, and means just that.
  private static func number(_ text: Substring) -> UInt64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return UInt64(text) ?? .max
  }

  private static func plain(_ text: Substring) -> Substring {
    var text = text
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }

  /// Which bytes are sent, of a content of a known size.
  package func selection(size: UInt64) -> Selection {
    switch self {
    case .whole: return .all
    case .malformed: return .none
    case .from(let first, let last):
      guard first < size else { return .none }
      return .part(first..<(min(last ?? .max, size - 1) + 1))
    case .suffix(let count):
      guard count > 0, size > 0 else { return .none }
      return .part(size - min(count, size)..<size)
    }
  }

  package enum Selection: Equatable, Sendable {
    case all
    case part(Range<UInt64>)
    /// 416
    case none
  }
}
