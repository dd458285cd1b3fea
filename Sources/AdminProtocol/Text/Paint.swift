/// Colours of a terminal, or none.
package struct Paint: Sendable {
  package static let none = Paint(isOn: false)

  private let isOn: Bool

  package init(isOn: Bool) { self.isOn = isOn }

  package func plain(_ text: String) -> String { text }
  package func good(_ text: String) -> String { wrap(text, "32") }
  package func bad(_ text: String) -> String { wrap(text, "31") }
  package func doubtful(_ text: String) -> String { wrap(text, "33") }
  package func bold(_ text: String) -> String { wrap(text, "1") }
  package func faint(_ text: String) -> String { wrap(text, "2") }

  /// A QR code must be dark on light, whatever the terminal's own colours are.
  package func whiteOnBlack(_ text: String) -> String { wrap(text, "38;5;231;48;5;16") }

  private func wrap(_ text: String, _ code: String) -> String { isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}
