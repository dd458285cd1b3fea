/// A JSON value, as answers are built of.
enum JSONValue: Encodable, Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByDictionaryLiteral, ExpressibleByBooleanLiteral {
  case text(String)
  case number(Int64)
  case size(UInt64)
  case flag(Bool)
  case list([JSONValue])
  case object([String: JSONValue])
  case null

  init(stringLiteral text: String) { self = .text(text) }
  init(booleanLiteral flag: Bool) { self = .flag(flag) }
  init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(Dictionary(elements) { $1 }) }

  static func texts(_ texts: [String]) -> JSONValue { .list(texts.map(JSONValue.text)) }
  static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.text) ?? .null }

  /// With more fields.
  func with(_ fields: [String: JSONValue]) -> JSONValue {
    guard case .object(let own) = self else { return self }
    return .object(own.merging(fields) { $1 })
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let text): try container.encode(text)
    case .number(let number): try container.encode(number)
    case .size(let size): try container.encode(size)
    case .flag(let flag): try container.encode(flag)
    case .list(let list): try container.encode(list)
    case .object(let fields): try container.encode(fields)
    case .null: try container.encodeNil()
    }
  }
}
