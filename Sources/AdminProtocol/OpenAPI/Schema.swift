/// The shape of a JSON value (JSON Schema 2020-12, as OpenAPI 3.1 has it), as far as the admin API needs it.
package indirect enum Schema: Sendable, Hashable {
  case string(format: String? = nil)
  case words([String])
  case integer, number, boolean
  case array(Schema)
  /// Any keys, all values alike.
  case map(Schema)
  /// By its name in ``AdminSchemas``.
  case reference(String)
  case object([Property])

  package struct Property: Sendable, Hashable {
    package var name: String
    package var schema: Schema
    /// One that may be left out is left out when it has no value.
    package var isRequired: Bool

    init(_ name: String, _ schema: Schema, isRequired: Bool = true) {
      self.name = name
      self.schema = schema
      self.isRequired = isRequired
    }
  }

  static let id = Schema.string(format: "uri")
  static let time = Schema.string(format: "date-time")

  /// `["name": .string]` with `?` behind the names that may be left out.
  static func fields(_ fields: KeyValuePairs<String, Schema>) -> Schema {
    .object(fields.map { name, schema in
      name.hasSuffix("?") ? Property(String(name.dropLast()), schema, isRequired: false) : Property(name, schema)
    })
  }
}

/// A JSON value that is put together by hand.
package indirect enum JSONNode: Sendable, Hashable, Encodable {
  case text(String), number(Int), flag(Bool)
  case list([JSONNode])
  case object([String: JSONNode])

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .flag(let value): try container.encode(value)
    case .list(let values): try container.encode(values)
    case .object(let values): try container.encode(values)
    }
  }
}

extension Schema {
  var json: JSONNode {
    switch self {
    case .string(let format): .object(["type": .text("string")].merging(format.map { ["format": .text($0)] } ?? [:]) { $1 })
    case .words(let words): .object(["type": .text("string"), "enum": .list(words.map { .text($0) })])
    case .integer: .object(["type": .text("integer")])
    case .number: .object(["type": .text("number")])
    case .boolean: .object(["type": .text("boolean")])
    case .array(let element): .object(["type": .text("array"), "items": element.json])
    case .map(let value): .object(["type": .text("object"), "additionalProperties": value.json])
    case .reference(let name): .object(["$ref": .text("#/components/schemas/\(name)")])
    case .object(let properties): Self.object(properties)
    }
  }

  private static func object(_ properties: [Property]) -> JSONNode {
    let required = properties.filter(\.isRequired).map { JSONNode.text($0.name) }
    var object: [String: JSONNode] = [
      "type": .text("object"), "properties": .object(Dictionary(properties.map { ($0.name, $0.schema.json) }, uniquingKeysWith: { $1 })),
    ]
    if !required.isEmpty { object["required"] = .list(required) }
    return .object(object)
  }
}
