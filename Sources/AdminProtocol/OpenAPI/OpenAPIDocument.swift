/// The admin API as OpenAPI 3.1, made from the same table that requests are judged by.
package enum OpenAPIDocument {
  package static func make(software: String) -> JSONNode {
    .object([
      "openapi": .text("3.1.0"),
      "info": .object(["title": .text("pngwd admin API"), "version": .text("\(AdminAPI.version)"), "description": .text("Served on a unix socket by \(software).")]),
      "servers": .list([.object(["url": .text("http://pngw"), "description": .text("any host name will do")])]),
      "paths": .object(paths),
      "components": .object(["schemas": .object(AdminSchemas.all.mapValues(\.json))]),
    ])
  }

  private static var paths: [String: JSONNode] {
    var paths: [String: [String: JSONNode]] = [:]
    for operation in AdminOperation.allCases { paths[operation.rule.path, default: [:]][operation.rule.method.lowercased()] = entry(operation) }
    return paths.mapValues { .object($0) }
  }

  private static func entry(_ operation: AdminOperation) -> JSONNode {
    let description = operation.description
    var entry: [String: JSONNode] = [
      "operationId": .text(operation.rawValue), "summary": .text(description.summary), "x-permission": .text(operation.rule.permission.rawValue),
      "responses": .object(responses(description.reply)),
    ]
    let parameters = (operation.rule.path.contains("{id}") ? [id] : []) + description.query.map(parameter)
    if !parameters.isEmpty { entry["parameters"] = .list(parameters) }
    if let body = description.body { entry["requestBody"] = requestBody(body) }
    return .object(entry)
  }

  private static let id = JSONNode.object(["name": .text("id"), "in": .text("path"), "required": .flag(true), "schema": Schema.id.json])

  private static func parameter(_ one: AdminOperation.Description.Parameter) -> JSONNode {
    .object([
      "name": .text(one.name), "in": .text("query"), "required": .flag(one.isRequired), "description": .text(one.text), "schema": one.schema.json,
    ])
  }

  private static func requestBody(_ name: String) -> JSONNode {
    name.isEmpty ? content("*/*", .object([:])) : content("application/json", Schema.reference(name).json)
  }

  private static func responses(_ reply: AdminOperation.Description.Reply) -> [String: JSONNode] {
    let refusal = described("a refusal, with its remedy", content("application/json", Schema.reference("Error").json))
    switch reply {
    case .json(let name, let status): return ["\(status)": described("done", content("application/json", Schema.reference(name).json)), "default": refusal]
    case .lines(let name): return ["200": described("a line of JSON each", content("application/x-ndjson", Schema.reference(name).json)), "default": refusal]
    case .text(let type): return ["200": described("text", content(type, Schema.string().json)), "default": refusal]
    case .document: return ["200": described("OpenAPI 3.1", content("application/json", .object(["type": .text("object")]))), "default": refusal]
    }
  }

  private static func content(_ type: String, _ schema: JSONNode) -> JSONNode { .object(["content": .object([type: .object(["schema": schema])])]) }

  private static func described(_ text: String, _ node: JSONNode) -> JSONNode {
    guard case .object(let object) = node else { return node }
    return .object(object.merging(["description": .text(text)]) { $1 })
  }
}
