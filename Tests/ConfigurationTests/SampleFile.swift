import Configuration

/// How a configuration file with nothing changed looks: every key with its default behind a `#`, what it is for above.
enum SampleFile {
  static func text<File: ConfigurationFile>(of type: File.Type, title: String) -> String {
    var text = "# \(title)\n# Each key is shown with its default: take the # away before the key to change it.\n"
    var table = ""
    for key in File.keys {
      text += "\n"
      if key.table != table {
        table = key.table
        text += "[\(table)]\n"
      }
      text += wrapped("\(key.purpose.capitalised)." + " \(key.expects.capitalised).").map { "# \($0)\n" }.joined()
      text += "#\(key.name) = \(key.literal(in: File()))\n"
    }
    return text
  }

  /// Uncomments every key.
  static func uncommented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.hasPrefix("#") && !line.hasPrefix("# ") ? line.dropFirst() : line
    }.joined(separator: "\n")
  }

  /// Lines of at most 100 characters.
  private static func wrapped(_ text: String) -> [String] {
    var lines = [""]
    for word in text.split(separator: " ") {
      if lines[lines.count - 1].count + word.count > 97 { lines.append("") }
      lines[lines.count - 1] += lines[lines.count - 1].isEmpty ? word : " \(word)"
    }
    return lines
  }
}

extension String {
  var capitalised: String { prefix(1).uppercased() + dropFirst() }
}
