import CPNSModel
import HTTPServing
import ServerCore

// One function for each thing that can be asked.

extension API {
  func handle(_ method: String, _ route: Route, _ request: HTTPRequest) async throws -> HTTPResponse {
    try request.checkParameters(route.parameters(method))
    switch (route, method) {
    case (.status, _): return try await status()
    case (.pns, _): return try await list("pns", of: server.networks(request.page())) { $0.json }
    case (.pn(let id), _): return try await network(PNID(asked: id, "the last part of the path"))
    case (.pnes, _): return try await list("pnes", of: server.entries(request.page())) { $0.json }
    case (.pne(let id), _): return .json(200, try await server.entry(EntityID(asked: id, "the last part of the path")).json)
    case (.services, "POST"): return try await publish(request)
    case (.services, _): return try await list("services", of: server.services(matching: request.query["q"] ?? "", request.page())) { $0.json }
    case (.service(let id), "DELETE"):
      try await server.removeService(ServiceID(asked: id, "the last part of the path"))
      return Self.done
    case (.service(let id), _): return .json(200, try await server.service(ServiceID(asked: id, "the last part of the path")).json)
    case (.contents, "POST"): return try await receive(request)
    case (.contents, _): return try await list("contents", of: server.contents(request.page())) { $0.json }
    case (.content(let id), "DELETE"):
      try await server.removeContent(ContentID(asked: id, "the last part of the path"))
      return Self.done
    case (.content(let id), _): return .json(200, try await server.content(ContentID(asked: id, "the last part of the path")).json)
    case (.deliveries, "POST"): return try await deliver(request)
    case (.deliveries, _): return try await list("deliveries", of: server.deliveries(request.page())) { $0.json }
    case (.delivery(let id), _): return .json(200, try await server.delivery(DeliveryID(asked: id, "the last part of the path")).json)
    case (.usage, _): return try await list("usage", of: server.usage(usagePage(request))) { $0.json }
    }
  }

  private static let done = HTTPResponse(204, body: .bytes([]))

  private func list<Item>(_ name: String, of listed: Listed<Item>, _ json: (Item) -> JSONValue) -> HTTPResponse {
    .json(200, JSONValue.object([name: .list(listed.items.map(json)), "next": .optional(listed.next.map(String.init))]))
  }

  // MARK: Reading

  private func status() async throws -> HTTPResponse {
    let counts = try await server.counts()
    let gateways = try await server.gateways(ListPage(limit: ServerBounds.page))
    let value: JSONValue = [
      "version": .text(Version.text), "server_id": .text(server.id.urn), "name": .text(server.settings.name),
      "gateways": .list(gateways.items.map(\.json)), "more_gateways": .flag(gateways.next != nil),
      "deliveries": ["live": .number(Int64(counts.live)), "delivered": .number(Int64(counts.delivered)), "failed": .number(Int64(counts.failed))],
      "usage_records": .number(Int64(counts.usageRecords)),
    ]
    return .json(200, value)
  }

  private func network(_ id: PNID) async throws -> HTTPResponse {
    let (network, entries) = try await server.network(id)
    return .json(200, network.json.with(["entries": .list(entries.map(\.json))]))
  }

  /// `after` may be a usage id too: whoever keeps records knows its last one.
  private func usagePage(_ request: HTTPRequest) async throws -> ListPage {
    guard let after = request.query["after"], let id = UsageID(urn: after) else { return try request.page() }
    return ListPage(after: try await server.sequence(of: id), limit: try request.limit())
  }

  // MARK: Changing

  private struct ServiceBody: Decodable {
    var name: String
    var service_type: String
    var keywords: [String]?
    var required_media_types: [String]?
  }

  private func publish(_ request: HTTPRequest) async throws -> HTTPResponse {
    if request.announced == .none { throw HTTPFailure.noLength }
    let body: ServiceBody = try await request.decodeBody()
    let draft = ServiceDraft(name: body.name, type: body.service_type, keywords: body.keywords ?? [], requiredMediaTypes: body.required_media_types ?? [])
    let service = try await server.publish(draft)
    return .json(201, service.json, headers: [("Location", "/v1/services/\(service.description.id)")])
  }

  private struct DeliveryBody: Decodable {
    var content_id: String
    var consumer: String
  }

  private func deliver(_ request: HTTPRequest) async throws -> HTTPResponse {
    if request.announced == .none { throw HTTPFailure.noLength }
    let body: DeliveryBody = try await request.decodeBody()
    let report = try await server.deliver(
      ContentID(asked: body.content_id, "content_id"), to: EntityID(asked: body.consumer, "consumer"))
    return .json(202, report.json, headers: [("Location", "/v1/deliveries/\(report.delivery.order.id)")])
  }

  /// Written as it comes; the client waits for a slow disk.
  private func receive(_ request: HTTPRequest) async throws -> HTTPResponse {
    guard let name = request.query["name"] else {
      throw HTTPFailure(400, "no-name", "the parameter \"name\" is missing", remedy: "POST /v1/contents?name=NAME")
    }
    let size: UInt64?
    switch request.announced {
    case .none: throw HTTPFailure.noLength
    case .bytes(let count): size = count
    case .unknown: size = nil
    }
    // `video/mp4; codecs=…`: what a device can play is told by the type alone.
    let type = (request.headers["content-type"] ?? "").prefix { $0 != ";" && $0 != " " }
    let upload = try await server.receive(name: name, mediaType: String(type), size: size)
    do {
      for try await piece in request.body { try await upload.append(piece) }
      let content = try await upload.finish()
      return .json(201, content.json, headers: [("Location", "/v1/contents/\(content.description.id)")])
    } catch {
      await upload.abandon()
      throw error
    }
  }
}
