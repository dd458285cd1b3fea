/// What texts from outside may be.
enum Text {
  /// 1 to `limit` characters, none of them a control character.
  static func isName(_ text: String, upTo limit: Int) -> Bool {
    // Bytes first: one character may be made of any number of them.
    !text.isEmpty && text.utf8.count <= 4 * limit && text.count <= limit && !text.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
  }

  /// `type/subtype` without parameters, in RFC 6838's letters.
  static func isMediaType(_ text: String) -> Bool {
    let halves = text.split(separator: "/", omittingEmptySubsequences: false)
    return halves.count == 2 && text.utf8.count <= 127 && halves.allSatisfy { half in
      !half.isEmpty && half.utf8.allSatisfy { isLetter($0) || "!#$&-^_.+*".utf8.contains($0) }
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: false
    }
  }
}
