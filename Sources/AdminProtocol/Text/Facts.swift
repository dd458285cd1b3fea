/// Names and what they are, one under the other; what is long is broken into lines.
package struct Facts: Sendable {
  private static let margin = 2
  private var facts: [(name: String, value: String, paint: @Sendable (String) -> String)] = []

  package init() {}

  package mutating func add(_ name: String, _ value: String, _ paint: @escaping @Sendable (String) -> String = { $0 }) {
    if !value.isEmpty { facts.append((name, Printable.text(value), paint)) }
  }

  package var lines: [String] {
    let width = (facts.map(\.name.count).max() ?? 0) + Self.margin
    return facts.flatMap { fact in
      Printable.wrapped(fact.value, to: TextTable.columns - width - Self.margin).enumerated().map { index, line in
        let name = index == 0 ? fact.name : ""
        return String(repeating: " ", count: Self.margin) + name + String(repeating: " ", count: width - name.count) + fact.paint(line)
      }
    }
  }
}
