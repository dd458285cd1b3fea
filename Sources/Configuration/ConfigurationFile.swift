/// A configuration file as a value: made with its defaults, changed by what a text says.
package protocol ConfigurationFile: Sendable {
  /// All defaults.
  init()
  /// By table, those above all tables first.
  static var keys: [ConfigurationKey<Self>] { get }
  /// What is wrong with the values beside each other: the path of a key, and what would be right.
  var conflicts: [(path: String, text: String)] { get }
}

extension ConfigurationFile {
  /// - Parameters:
  ///   - text: TOML, at most ``ConfigurationBounds/bytes``. Empty: all defaults.
  ///   - file: what the messages call it.
  /// - Throws: everything that is wrong with it.
  package init(parsing text: String, file: String) throws(ConfigurationError) {
    let reading = ConfigurationReading<Self>(text)
    guard reading.problems.isEmpty else {
      throw ConfigurationError(reading.problems.map { .init(file: file, line: $0.line, text: $0.text) })
    }
    self = reading.file
  }
}

/// Bounds on a configuration file; a file beyond one is refused.
package enum ConfigurationBounds {
  /// Ten times the sample file.
  package static let bytes = 64 << 10
  /// The TOML parser goes as deep as a line's brackets and dots: far from any stack's end.
  package static let lineBytes = 4096
}
