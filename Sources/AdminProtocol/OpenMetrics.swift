/// Metrics as text: OpenMetrics 1.0, which Prometheus reads.
package enum OpenMetrics {
  package static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

  package enum Kind: String, Sendable { case gauge, counter, info }

  package struct Sample: Sendable, Hashable {
    package var labels: [Label]
    package var value: Double

    package init(_ value: Double, _ labels: Label...) {
      self.value = value
      self.labels = labels
    }
  }
  /// Both are ours: a label's value never comes from a peer, or there would be as many as it likes.
  package struct Label: Sendable, Hashable {
    package var name: StaticText
    package var value: String

    package init(_ name: StaticText, _ value: String) {
      self.name = name
      self.value = value
    }
  }
  /// A text that stands in the source.
  package struct StaticText: Sendable, Hashable, ExpressibleByStringLiteral {
    let text: String
    package init(stringLiteral value: StaticString) { text = value.withUTF8Buffer { String(decoding: $0, as: UTF8.self) } }
  }

  package struct Family: Sendable, Hashable {
    package var name: StaticText
    package var kind: Kind
    package var unit: StaticText
    package var help: StaticText
    package var samples: [Sample]

    /// - Parameter name: without `_total` and `_info`; ends with the unit when there is one.
    package init(_ name: StaticText, _ kind: Kind, unit: StaticText = "", _ help: StaticText, _ samples: [Sample]) {
      self.name = name
      self.kind = kind
      self.unit = unit
      self.help = help
      self.samples = samples
    }
    package init(_ name: StaticText, _ kind: Kind, unit: StaticText = "", _ help: StaticText, _ value: Double) {
      self.init(name, kind, unit: unit, help, [Sample(value)])
    }
  }

  /// Families without a sample are left out.
  package static func text(_ families: [Family]) -> String {
    families.filter { !$0.samples.isEmpty }.map(text).joined() + "# EOF\n"
  }

  private static func text(_ family: Family) -> String {
    let name = family.name.text
    var lines = ["# TYPE \(name) \(family.kind.rawValue)"]
    if !family.unit.text.isEmpty { lines.append("# UNIT \(name) \(family.unit.text)") }
    lines.append("# HELP \(name) \(escaped(family.help.text))")
    let suffix = family.kind == .counter ? "_total" : family.kind == .info ? "_info" : ""
    for sample in family.samples {
      let labels = sample.labels.map { "\($0.name.text)=\"\(escaped($0.value))\"" }.joined(separator: ",")
      lines.append("\(name)\(suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(number(sample.value))")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { out, character in
      switch character {
      case "\\": out += "\\\\"
      case "\"": out += "\\\""
      case "\n": out += "\\n"
      default: out.append(character)
      }
    }
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 9e15 ? "\(Int64(value))" : "\(value)"
  }
}
