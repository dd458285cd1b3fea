import TOMLKit

/// What is asked of a text before the TOML parser sees it, and how values look in messages.
enum TOMLText {
  /// TOMLKit takes C strings: what stands behind a NUL would be lost in silence, so there may be none, however it is written.
  static func problem(_ text: String) -> (line: Int, text: String)? {
    guard text.utf8.count <= ConfigurationBounds.bytes else {
      return (1, "\(text.utf8.count) bytes: expected at most \(ConfigurationBounds.bytes)")
    }
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      guard line.utf8.count <= ConfigurationBounds.lineBytes else {
        return (index + 1, "a line of \(line.utf8.count) bytes: expected at most \(ConfigurationBounds.lineBytes)")
      }
      guard !line.utf8.contains(0), !line.contains("\\u0000"), !line.contains("\\U00000000") else {
        return (index + 1, "a NUL character: expected none")
      }
    }
    return nil
  }

  /// In one line, and no longer than a line takes.
  static func shown(_ value: any TOMLValueConvertible) -> String {
    if let text = value.string { return "\"\(shortened(text))\"" }
    if let number = value.int { return String(number) }
    if let flag = value.bool { return String(flag) }
    if let list = value.array { return "[" + shortened(list.map { shown($0) }.joined(separator: ", ")) + "]" }
    return "a \(value.type)"
  }

  /// Text from the file, fit for a terminal.
  static func shortened(_ text: String) -> String {
    let most = 60
    let clean = String(String.UnicodeScalarView(text.unicodeScalars.prefix(most).map { $0.properties.generalCategory == .control ? "?" : $0 }))
    return text.unicodeScalars.count > most ? clean + "…" : clean
  }
}
