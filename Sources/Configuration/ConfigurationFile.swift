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
    try self.init(parsing: [ConfigurationSource(text: text, file: file)])
  }

  /// A file and its drop-ins: what a later one says of a key replaces what an earlier one said. At least one.
  package init(parsing sources: [ConfigurationSource]) throws(ConfigurationError) {
    var reading = ConfigurationReading<Self>()
    for source in sources { reading.read(source) }
    reading.checkConflicts()
    guard reading.problems.isEmpty else { throw ConfigurationError(reading.problems) }
    self = reading.file
  }
}

/// One file's text.
package struct ConfigurationSource: Hashable, Sendable {
  package let text: String
  /// What the messages call it.
  package let file: String

  package init(text: String, file: String) {
    self.text = text
    self.file = file
  }
}

/// Bounds on a configuration file; a file beyond one is refused.
package enum ConfigurationBounds {
  /// Ten times the sample file.
  package static let bytes = 64 << 10
  /// The TOML parser goes as deep as a line's brackets and dots: far from any stack's end.
  package static let lineBytes = 4096
  /// Drop-ins of one file: far more than a person oversees.
  package static let dropIns = 64
}
