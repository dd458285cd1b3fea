/// A key of a configuration file. What a table of these says is all there is to know about the file: it is read, shown in
/// the sample file and explained in error messages by it.
package struct ConfigurationKey<File: Sendable>: Sendable {
  /// Where the value goes, and what it may be.
  package enum Kind: Sendable {
    case text(any WritableKeyPath<File, String> & Sendable, TextRule)
    case number(any WritableKeyPath<File, Int> & Sendable, ClosedRange<Int>)
    case flag(any WritableKeyPath<File, Bool> & Sendable)
    case level(any WritableKeyPath<File, LogLevel> & Sendable)
    case list(any WritableKeyPath<File, [String]> & Sendable, TextRule, ClosedRange<Int>)
  }

  /// Empty: above all tables.
  package let table: String
  package let name: String
  /// What it is for, with its unit; for people.
  package let purpose: String
  package let kind: Kind
  /// Whether the value may hold a secret (a PIN in a URI): it is never repeated in a message then.
  package let mayHoldSecret: Bool
  /// Whether a change takes effect with a reload. The others want a restart.
  package let isLive: Bool

  init(_ table: String, _ name: String, _ kind: Kind, _ purpose: String, mayHoldSecret: Bool = false, isLive: Bool = false) {
    self.table = table
    self.name = name
    self.kind = kind
    self.purpose = purpose
    self.mayHoldSecret = mayHoldSecret
    self.isLive = isLive
  }

  /// `table.name`
  package var path: String { table.isEmpty ? name : "\(table).\(name)" }

  /// What the value may be, for people.
  package var expects: String {
    switch kind {
    case .text(_, let rule): rule.expects
    case .number(_, let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .flag: "true or false"
    case .level: "one of " + LogLevel.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    case .list(_, let rule, let count): "a list of \(count.lowerBound) to \(count.upperBound), each \(rule.expects)"
    }
  }

  /// The value in `file`, as TOML.
  package func literal(in file: File) -> String {
    switch kind {
    case .text(let place, _): Self.quoted(file[keyPath: place])
    case .number(let place, _): String(file[keyPath: place])
    case .flag(let place): String(file[keyPath: place])
    case .level(let place): Self.quoted(file[keyPath: place].rawValue)
    case .list(let place, _, _): "[" + file[keyPath: place].map(Self.quoted).joined(separator: ", ") + "]"
    }
  }

  /// Defaults need no escapes.
  private static func quoted(_ text: String) -> String { "\"\(text)\"" }
}
