import AdminProtocol
import CPNSModel
import Foundation
import Testing

@Suite struct OpenAPITests {
  let document: [String: Any]

  init() throws {
    let bytes = try JSONEncoder().encode(OpenAPIDocument.make(software: "test"))
    document = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
  }

  func at(_ keys: String...) -> [String: Any]? {
    keys.reduce(document as [String: Any]?) { $0?[$1] as? [String: Any] }
  }

  @Test(arguments: AdminOperation.allCases) func everyOperationIsThereWithWhoMay(_ operation: AdminOperation) throws {
    let entry = try #require(at("paths", operation.rule.path, operation.rule.method.lowercased()))
    #expect(entry["operationId"] as? String == operation.rawValue)
    #expect(entry["x-permission"] as? String == operation.rule.permission.rawValue)
    let parameters = entry["parameters"] as? [[String: Any]] ?? []
    #expect(parameters.contains { $0["name"] as? String == "id" && $0["in"] as? String == "path" } == operation.rule.path.contains("{id}"))
  }

  @Test func thereIsNoOtherOperation() throws {
    let paths = try #require(at("paths"))
    let count = paths.values.reduce(0) { $0 + (($1 as? [String: Any])?.count ?? 0) }
    #expect(count == AdminOperation.allCases.count && document["openapi"] as? String == "3.1.0")
  }

  @Test func everyReferenceLeadsSomewhere() throws {
    let schemas = try #require(at("components", "schemas"))
    var references: [String] = []
    func collect(_ value: Any) {
      if let object = value as? [String: Any] {
        if let reference = object["$ref"] as? String { references.append(reference) }
        object.values.forEach(collect)
      } else if let list = value as? [Any] {
        list.forEach(collect)
      }
    }
    collect(document)
    let names = references.map { $0.replacingOccurrences(of: "#/components/schemas/", with: "") }
    #expect(Set(names).subtracting(schemas.keys).isEmpty)
    let roots = Set(AdminOperation.allCases.compactMap { operation -> String? in
      if case .json(let name, _) = operation.description.reply { name } else { nil }
    })
    #expect(Set(schemas.keys).subtracting(names).subtracting(roots).isEmpty, "schemas that nobody uses")
  }

  // MARK: What is answered has the shape that the document tells

  /// What is wrong with `value`; nil when it fits. Stricter than JSON Schema: no property that is not told.
  static func misfit(_ value: Any, _ schema: Schema, _ path: String = "") -> String? {
    switch schema {
    case .reference(let name): return AdminSchemas.all[name].map { misfit(value, $0, path) } ?? "\(path): no schema \(name)"
    case .string, .words:
      guard let text = value as? String else { return "\(path): no string" }
      if case .words(let words) = schema, !words.contains(text) { return "\(path): \(text)" }
      return nil
    case .integer, .number: return value is NSNumber ? nil : "\(path): no number"
    case .boolean: return value is Bool ? nil : "\(path): no boolean"
    case .array(let element):
      guard let list = value as? [Any] else { return "\(path): no list" }
      return list.lazy.compactMap { misfit($0, element, path + "[]") }.first
    case .map(let element):
      guard let object = value as? [String: Any] else { return "\(path): no object" }
      return object.lazy.compactMap { misfit($0.value, element, path + "." + $0.key) }.first
    case .object(let properties):
      guard let object = value as? [String: Any] else { return "\(path): no object" }
      if let missing = properties.first(where: { $0.isRequired && object[$0.name] == nil }) { return "\(path).\(missing.name) is missing" }
      for (name, value) in object {
        guard let property = properties.first(where: { $0.name == name }) else { return "\(path).\(name) is not told" }
        if let wrong = misfit(value, property.schema, path + "." + name) { return wrong }
      }
      return nil
    }
  }

  func expect(_ value: some Encodable, is name: String, _ location: SourceLocation = #_sourceLocation) throws {
    let object = try JSONSerialization.jsonObject(with: try JSONEncoder().encode(value))
    #expect(Self.misfit(object, .reference(name), name) == nil, sourceLocation: location)
  }

  @Test func repliesHaveTheShapeThatIsTold() throws {
    let time = UTCTime(Timestamp(milliseconds: 1_790_000_000_123)), id = EntityID.random()
    try expect(VersionReply(software: "s", name: "n", entityID: id), is: "Version")
    try expect(
      ConfigurationReply(file: "f", changes: [.init(key: "k", running: "1", file: "2", effect: .reload)], problem: "p", trial: .kept), is: "Configuration")
    try expect(ConfigurationReply(file: "f", changes: []), is: "Configuration")
    try expect(ReloadRequest(trialSeconds: 1), is: "ReloadRequest")
    try expect(
      StatusReply(
        name: "hall", software: "s", entityID: id, now: time, pn: .init(id: .random(), name: "Home", revision: 7),
        uplink: .init(state: .waiting, server: "s:7420", serverID: id, since: time, detail: "no route"), elements: .init(port: 1, linked: 2),
        interfaces: [.init(name: "eth0", up: true)], devices: .init(online: 3, busy: 1, offline: 2), outbox: .init(messages: 4, oldest: time, fullInHours: 1),
        liveDeliveries: 1, pairing: PairingReply(open: true, expires: time, claimedBy: id),
        warnings: [.init(code: "uplink-down", severity: "warning", subject: "", cause: "c", nextStep: "n", affects: "a", since: time)]), is: "Status")
    let entry = InventoryEntry(
      id: id, name: "TV", kind: .virtualPNE, capabilities: DeviceCapabilities(deviceType: "television", accepts: ["video/mp4"]),
      services: [ServiceDescription(id: .random(), name: "TV", type: "media-rendering", keywords: ["play"], offeredBy: id, requiredMediaTypes: [])],
      availability: .online, reason: "alive", since: time.timestamp, attributes: ["udn": "1"])
    try expect(PNEListReply(pnes: [PNEReply(entry, paired: true)]), is: "PNEs")
    try expect(RemovalReply(removed: id, name: "n"), is: "Removal")
    let resource = ObjectsReply.Resource(mediaType: "a/b", protocolInfo: "p", url: "u", size: 9)
    let object = ObjectsReply.Object(id: "1", title: "t", upnpClass: "c", isContainer: false, resources: [resource])
    try expect(ObjectsReply(container: "0", start: 0, total: 1, objects: [object]), is: "Objects")
    try expect(PairingOpenedReply(code: "c", uri: "u", expires: time), is: "PairingOpened")
    try expect(EnrolmentReply(pnID: .random(), serverID: id), is: "Enrolment")
    try expect(EventListReply(events: [EventReply(sequence: 1, at: time, kind: "k", text: "t", fields: ["a": "b"])]), is: "Events")
    try expect(ErrorReply(AdminFailure(.busy, "m", remedy: "r")), is: "Error")
    try expect(AuditReply(entries: [AuditEntry(at: time, operation: "o", subject: "s", user: 0, process: 1, outcome: "done")]), is: "Audit")
    try expect(
      ExplanationReply(subject: id.urn, name: "n", state: "s", because: [.init(at: time, text: "t"), .init(at: nil, text: "t")], nextStep: "n", rememberedSince: time),
      is: "Explanation")
  }

  @Test func deliveriesHaveTheShapeThatIsTold() throws {
    let time = UTCTime(Timestamp(milliseconds: 1_790_000_000_123))
    let content = ContentDescription(id: .random(), name: "a.mp4", mediaType: "video/mp4", size: 5, sha256: [1])
    let order = DeliveryOrder(id: .random(), content: content, consumer: .random(), offeredBy: .random())
    var delivery = DeliveryReply(order: order, consumerName: "TV", source: .mediaServer, state: .failed, attempts: 1, accepted: time)
    try expect(DeliveryListReply(deliveries: [delivery]), is: "Deliveries")
    delivery.end(DeliveryOutcome(delivery: order.id, state: .failed, reason: "r", detail: "d", bytes: 3, sha256: [1]), at: time)
    try expect(delivery, is: "Delivery")
    try expect(PairingRequest(seconds: 10), is: "PairingRequest")
    try expect(EnrolmentRequest(code: "c", server: "s"), is: "EnrolmentRequest")
    try expect(DeliveryRequest(consumer: .random(), source: .object("o", of: .random())), is: "DeliveryRequest")
    try expect(DeliveryRequest(consumer: .random(), source: .staged(.random())), is: "DeliveryRequest")
  }

  @Test func theMisfitIsSeen() {
    #expect(Self.misfit(["software": "s"], .reference("Version")) != nil)
    #expect(Self.misfit(["removed": "r", "name": "n", "more": 1], .reference("Removal")) != nil)
    #expect(Self.misfit(["open": "yes"], .reference("Pairing")) != nil)
  }
}
