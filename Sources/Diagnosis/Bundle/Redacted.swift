/// A value that must not leave this machine. Whatever is done with it as text, it is hidden: what goes into a bundle is redacted by what
/// it is, never by what it looks like.
package struct Secret<Value: Sendable>: Sendable, Encodable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let value: Value

  package init(_ value: Value) { self.value = value }

  package var description: String { "(hidden)" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// A name that people gave, which says something of them: what a film is called, whose phone it is. In a bundle the same name is always
/// the same number, so that a story can be followed.
package struct Private: Sendable, Hashable, Encodable, CustomStringConvertible {
  /// What is in its place: `content-3`.
  private let alias: String

  package var description: String { alias }

  fileprivate init(alias: String) { self.alias = alias }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(alias)
  }
}

/// Gives names their numbers, for one bundle.
package struct Aliases: Sendable {
  /// Names that are told apart; further ones share a number.
  private static let most = 4096

  private var numbers: [String: Int] = [:]

  package init() {}

  package mutating func hide(_ name: String, as kind: String) -> Private {
    let key = kind + "\u{0}" + name
    if let known = numbers[key] { return Private(alias: "\(kind)-\(known)") }
    let number = min(numbers.count + 1, Self.most)
    if numbers.count < Self.most { numbers[key] = number }
    return Private(alias: "\(kind)-\(number)")
  }
}
