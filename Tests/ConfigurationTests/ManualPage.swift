import Configuration

/// The part of a manual page in mdoc(7) that lists the keys.
enum ManualPage {
  static func keys<File: ConfigurationFile>(of type: File.Type) -> String {
    var lines: [String] = []
    var table: String?
    for key in File.keys {
      if key.table != table {
        if table != nil { lines.append(".El") }
        lines.append(key.table.isEmpty ? ".Ss Above all tables" : ".Ss [\(key.table)]")
        lines.append(".Bl -tag -width Ds")
        table = key.table
      }
      lines.append(".It Va \(key.name) = \(escaped(key.literal(in: File())))")
      lines.append("\(escaped(key.purpose.capitalised)).")
      lines.append("\(escaped(key.expects.capitalised)).")
      if key.isLive { lines.append("A reload is enough.") }
    }
    return (lines + [".El"]).joined(separator: "\n")
  }

  /// mdoc takes quotes for its own.
  private static func escaped(_ text: String) -> String { text.replacing("\"", with: "\\(dq") }
}
