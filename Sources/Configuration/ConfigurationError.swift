/// What is wrong with a configuration file: all of it, so that a person mends it in one go. Nothing in it is secret.
///
/// Remedy: a person changes the file. Trying again without that is pointless (exit 78).
package struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  package struct Problem: Hashable, Sendable, CustomStringConvertible {
    package let file: String
    /// From 1.
    package let line: Int
    /// What is wrong and what would be right.
    package let text: String

    package var description: String { "\(file):\(line): \(text)" }
  }

  /// Problems that are told: a screen of them. A file with more is most likely not the right file.
  package static let most = 20

  /// By file and line, at least one and at most ``most``.
  package let problems: [Problem]
  /// How many more there were.
  package let omitted: Int

  init(_ all: [Problem]) {
    let order = all.reduce(into: [String: Int]()) { order, problem in order[problem.file] = order[problem.file] ?? order.count }
    problems = Array(all.sorted { (order[$0.file] ?? 0, $0.line) < (order[$1.file] ?? 0, $1.line) }.prefix(Self.most))
    omitted = all.count - problems.count
  }

  /// A line for each problem.
  package var description: String {
    let lines = problems.map(\.description) + (omitted > 0 ? ["… and \(omitted) more"] : [])
    return lines.joined(separator: "\n")
  }
}
