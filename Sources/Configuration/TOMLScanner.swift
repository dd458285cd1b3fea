/// Finds where the statements of a well-formed TOML document begin. Understands comments, strings and brackets, and no values.
struct TOMLScanner {
  enum Statement: Equatable {
    /// `[a.b]` or `[[a.b]]`
    case table([String], line: Int)
    /// `a.b = …`
    case key([String], line: Int)
  }

  private let bytes: [UInt8]
  private var index = 0
  private var line = 1

  init(_ text: String) { bytes = Array(text.utf8) }

  mutating func next() -> Statement? {
    skipBlank()
    guard let first = peek() else { return nil }
    let start = line
    if first == UInt8(ascii: "[") {
      while peek() == UInt8(ascii: "[") { advance() }
      let path = dottedKey(until: UInt8(ascii: "]"))
      skipLine()
      return .table(path, line: start)
    }
    let path = dottedKey(until: UInt8(ascii: "="))
    advance()
    skipValue()
    return .key(path, line: start)
  }

  private func peek(_ ahead: Int = 0) -> UInt8? { index + ahead < bytes.count ? bytes[index + ahead] : nil }

  private mutating func advance() {
    if peek() == UInt8(ascii: "\n") { line += 1 }
    index += 1
  }

  private mutating func skipLine() {
    while let byte = peek(), byte != UInt8(ascii: "\n") { advance() }
  }

  private mutating func skipBlank() {
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "#"): skipLine()
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"), 0xEF, 0xBB, 0xBF: advance()
      default: return
      }
    }
  }

  /// Ends before `end`, or at the end of the line.
  private mutating func dottedKey(until end: UInt8) -> [String] {
    var path: [String] = []
    var part: [UInt8] = []
    while let byte = peek(), byte != end, byte != UInt8(ascii: "\n") {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "'"): part += skipString().dropFirst().dropLast()
      case UInt8(ascii: "."):
        path.append(String(decoding: part, as: UTF8.self))
        part = []
        advance()
      case UInt8(ascii: " "), UInt8(ascii: "\t"): advance()
      default:
        part.append(byte)
        advance()
      }
    }
    return path + [String(decoding: part, as: UTF8.self)]
  }

  /// Up to the end of the line that closes the last bracket.
  private mutating func skipValue() {
    var depth = 0
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = skipString()
      case UInt8(ascii: "#"): skipLine()
      case UInt8(ascii: "\n") where depth <= 0: return
      case UInt8(ascii: "["), UInt8(ascii: "{"):
        depth += 1
        advance()
      case UInt8(ascii: "]"), UInt8(ascii: "}"):
        depth -= 1
        advance()
      default: advance()
      }
    }
  }

  /// A string of any of the four kinds, with its quotes.
  private mutating func skipString() -> ArraySlice<UInt8> {
    let (start, quote) = (index, bytes[index])
    let fence = peek(1) == quote && peek(2) == quote ? 3 : 1
    for _ in 0..<fence { advance() }
    while peek() != nil, !isFence(quote, fence) {
      if bytes[index] == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") { advance() }
      advance()
    }
    for _ in 0..<fence { advance() }
    // Up to two quotes may stand before the closing three.
    while fence == 3, peek() == quote { advance() }
    return bytes[start..<min(index, bytes.count)]
  }

  private func isFence(_ quote: UInt8, _ length: Int) -> Bool { (0..<length).allSatisfy { peek($0) == quote } }
}
