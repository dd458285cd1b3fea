/// Text from devices, made safe and measurable for a terminal.
package enum Printable {
  /// Control characters, and those that turn the reading direction, become "?": a device's name must not drive the terminal.
  package static func text(_ text: some StringProtocol) -> String {
    var out = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { out.append(isHarmful(scalar) ? "?" : scalar) }
    return String(out)
  }

  private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<32, 127..<160, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
  }

  /// Columns that `text` takes: East Asian characters and pictures take two, marks none.
  package static func width(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + width($1) } }

  private static func width(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first else { return 0 }
    switch scalar.value {
    case 0x300..<0x370, 0x200B..<0x200E: return 0
    case 0x1100..<0x1160, 0x2E80..<0xA4D0, 0xAC00..<0xD7A4, 0xF900..<0xFB00, 0xFE30..<0xFE70, 0xFF00..<0xFF61, 0xFFE0..<0xFFE7,
      0x1F300..<0x1F650, 0x1F680..<0x1F700, 0x1F900..<0x1FA00, 0x20000..<0x40000:
      return 2
    default: return 1
    }
  }

  /// At most `columns` wide; what is cut off is shown as "…".
  package static func cut(_ text: String, to columns: Int) -> String {
    if width(text) <= columns { return text }
    var out = ""
    var used = 0
    for character in text {
      let next = width(character)
      if used + next > columns - 1 { break }
      out.append(character)
      used += next
    }
    return columns > 0 ? out + "…" : ""
  }

  /// Broken between words into lines of at most `columns`, and within a word that is longer.
  package static func wrapped(_ text: String, to columns: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ").flatMap({ pieces($0, of: columns) }) {
      if line.isEmpty {
        line = word
      } else if width(line) + 1 + width(word) <= columns {
        line += " " + word
      } else {
        lines.append(line)
        line = word
      }
    }
    return line.isEmpty ? lines : lines + [line]
  }

  private static func pieces(_ word: Substring, of columns: Int) -> [String] {
    var pieces = [""]
    for character in word {
      if width(pieces[pieces.count - 1]) + width(character) > columns { pieces.append("") }
      pieces[pieces.count - 1].append(character)
    }
    return pieces
  }
}
