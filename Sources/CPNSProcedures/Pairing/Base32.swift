/// RFC 4648 base32 without padding: what people can read out and type.
package enum Base32 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

  package static func encode(_ bytes: [UInt8]) -> String {
    var out: [UInt8] = []
    var held = 0
    var bits = 0
    for byte in bytes {
      held = (held << 8 | Int(byte)) & 0xFFF
      bits += 8
      while bits >= 5 {
        bits -= 5
        out.append(alphabet[held >> bits & 31])
      }
    }
    if bits > 0 { out.append(alphabet[held << (5 - bits) & 31]) }
    return String(decoding: out, as: UTF8.self)
  }

  /// Takes either case and skips "-" and spaces, which people put in.
  /// - Returns: nil for any other character, and for bits that no encoder leaves over.
  package static func decode(_ text: some StringProtocol) -> [UInt8]? {
    var out: [UInt8] = []
    var held = 0
    var bits = 0
    for character in text.uppercased().utf8 where character != 45 && character != 32 {
      guard let value = alphabet.firstIndex(of: character) else { return nil }
      held = (held << 5 | value) & 0xFFF
      bits += 5
      if bits >= 8 {
        bits -= 8
        out.append(UInt8(truncatingIfNeeded: held >> bits))
      }
    }
    return bits < 5 && held & (1 << bits - 1) == 0 ? out : nil
  }

  /// Groups of four with "-" between.
  package static func grouped(_ text: String) -> String {
    var out = ""
    for (index, character) in text.enumerated() {
      if index > 0, index % 4 == 0 { out.append("-") }
      out.append(character)
    }
    return out
  }
}
