import AdminProtocol
import CPNSModel
import Foundation
import Testing

/// The fields are a promise to programs (`--json` may not change): each reply against its literal JSON.
@Suite struct JSONShapeTests {
  let entity = EntityID(uuid: UUID(uuidString: "00000000-0000-0000-0000-0000000000A1") ?? UUID())
  let server = EntityID(uuid: UUID(uuidString: "00000000-0000-0000-0000-0000000000B2") ?? UUID())
  let time = UTCTime(Timestamp(milliseconds: 1_790_000_000_123))
  let a1 = "urn:uuid:00000000-0000-0000-0000-0000000000a1"
  let b2 = "urn:uuid:00000000-0000-0000-0000-0000000000b2"
  let at = "2026-09-21T14:13:20.123Z"

  func expect<Value: Codable & Equatable>(_ value: Value, _ json: String, _ location: SourceLocation = #_sourceLocation) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    #expect(String(decoding: try encoder.encode(value), as: UTF8.self) == json, sourceLocation: location)
    #expect(try JSONDecoder().decode(Value.self, from: Data(json.utf8)) == value, sourceLocation: location)
  }

  @Test func version() throws {
    try expect(
      VersionReply(software: "pngwd 1.0", name: "hall", entityID: entity), #"{"api":1,"entity_id":"\#(a1)","name":"hall","software":"pngwd 1.0"}"#)
  }

  @Test func configuration() throws {
    try expect(
      ConfigurationReply(
        file: "/etc/pngw/pngw.toml", changes: [.init(key: "relay.port", running: "7422", file: "9", effect: .restart)], problem: "wrong", trial: .kept),
      #"{"changes":[{"effect":"restart","file":"9","key":"relay.port","running":"7422"}],"file":"/etc/pngw/pngw.toml","problem":"wrong","trial":"kept"}"#)
    try expect(ConfigurationReply(file: "a", changes: []), #"{"changes":[],"file":"a"}"#)
    try expect(ReloadRequest(trialSeconds: 30), #"{"trial_seconds":30}"#)
    try expect(ReloadRequest(), "{}")
  }

  @Test func status() throws {
    let status = StatusReply(
      name: "hall", software: "pngwd 1.0", entityID: entity, now: time, pn: .init(id: PNID(uuid: entity.uuid), name: "Home", revision: 7),
      uplink: .init(state: .waiting, server: "s:7420", serverID: server, since: time, detail: "no route"), elements: .init(port: 7421, linked: 2),
      interfaces: [.init(name: "eth0", up: true)], devices: .init(online: 3, busy: 1, offline: 2), outbox: .init(messages: 4, oldest: time, fullInHours: 30),
      liveDeliveries: 1, pairing: PairingReply(open: false),
      warnings: [.init(code: "uplink-down", severity: "warning", subject: "", cause: "no route", nextStep: "see to it", affects: "deliveries", since: time)])
    try expect(
      status,
      #"{"clock":{"plausible":true},"devices":{"busy":1,"offline":2,"online":3},"elements":{"linked":2,"port":7421},"entity_id":"\#(a1)","interfaces":[{"name":"eth0","up":true}],"#
        + #""live_deliveries":1,"name":"hall","now":"\#(at)","outbox":{"full_in_hours":30,"messages":4,"oldest":"\#(at)"},"pairing":{"open":false},"#
        + #""pn":{"name":"Home","pn_id":"\#(a1)","revision":7},"software":"pngwd 1.0","#
        + #""uplink":{"detail":"no route","server":"s:7420","server_id":"\#(b2)","since":"\#(at)","state":"waiting"},"#
        + #""warnings":[{"affects":"deliveries","cause":"no route","code":"uplink-down","next_step":"see to it","severity":"warning","since":"\#(at)","subject":""}]}"#)
  }

  @Test(arguments: zip(
    [StatusReply.Uplink.State.notEnrolled, .connecting, .connected, .waiting], ["not-enrolled", "connecting", "connected", "waiting"]))
  func uplinkStates(_ state: StatusReply.Uplink.State, _ word: String) throws { #expect(state.rawValue == word) }

  @Test func pairing() throws {
    try expect(PairingReply(open: true, expires: time, claimedBy: entity), #"{"claimed_by":"\#(a1)","expires":"\#(at)","open":true}"#)
    try expect(
      PairingOpenedReply(code: "AAAA-BBBB", uri: "CPNS:PAIR:AAAABBBB", expires: time),
      #"{"code":"AAAA-BBBB","expires":"\#(at)","uri":"CPNS:PAIR:AAAABBBB"}"#)
    try expect(EnrolmentReply(pnID: PNID(uuid: entity.uuid), serverID: server), #"{"pn_id":"\#(a1)","server_id":"\#(b2)"}"#)
  }

  @Test func pne() throws {
    let entry = InventoryEntry(
      id: entity, name: "TV", kind: .virtualPNE,
      capabilities: DeviceCapabilities(
        deviceType: "television", manufacturer: "Acme", model: "X", software: "2", accepts: ["video/mp4"], bearers: ["upnp"],
        sinkProtocolInfo: ["http-get:*:video/mp4:*"]),
      services: [ServiceDescription(id: ServiceID(uuid: server.uuid), name: "TV", type: "media-rendering", keywords: ["play"], offeredBy: entity, requiredMediaTypes: [])],
      availability: .online, reason: "alive", since: time.timestamp, attributes: ["udn": "1"])
    let json =
      #"{"attributes":{"udn":"1"},"availability":"online","capabilities":{"accepts":["video/mp4"],"bearers":["upnp"],"device_type":"television","#
      + #""manufacturer":"Acme","model":"X","sink_protocol_info":["http-get:*:video/mp4:*"],"software":"2"},"entity_id":"\#(a1)","kind":"virtual-pne","#
      + #""name":"TV","reason":"alive","services":[{"keywords":["play"],"name":"TV","required_media_types":[],"service_id":"\#(b2)","#
      + #""service_type":"media-rendering"}],"since":"\#(at)"}"#
    try expect(PNEReply(entry, paired: nil), json)
    try expect(PNEListReply(pnes: [PNEReply(entry, paired: nil)]), #"{"pnes":[\#(json)]}"#)
    #expect(PNEReply(entry, paired: true).paired == true)
    try expect(RemovalReply(removed: entity, name: "TV"), #"{"name":"TV","removed":"\#(a1)"}"#)
  }

  @Test func content() throws {
    let content = ContentDescription(id: ContentID(uuid: entity.uuid), name: "a.mp4", mediaType: "video/mp4", size: 5, sha256: [0, 15, 255])
    try expect(ContentReply(content), #"{"content_id":"\#(a1)","media_type":"video/mp4","name":"a.mp4","sha256":"000fff","size":5}"#)
  }

  @Test func objects() throws {
    let resource = ObjectsReply.Resource(mediaType: "audio/mpeg", protocolInfo: "http-get:*:audio/mpeg:*", url: "http://192.0.2.1/1", size: 9)
    let object = ObjectsReply.Object(id: "64$0", title: "Song", upnpClass: "object.item", isContainer: false, resources: [resource])
    try expect(
      ObjectsReply(container: "64", start: 0, total: 1, objects: [object]),
      #"{"container":"64","objects":[{"class":"object.item","id":"64$0","is_container":false,"resources":[{"media_type":"audio/mpeg","#
        + #""protocol_info":"http-get:*:audio/mpeg:*","size":9,"url":"http://192.0.2.1/1"}],"title":"Song"}],"start":0,"total":1}"#)
  }

  @Test func delivery() throws {
    let content = ContentDescription(id: ContentID(uuid: entity.uuid), name: "a.mp4", mediaType: "video/mp4", size: 5, sha256: nil)
    let order = DeliveryOrder(id: DeliveryID(uuid: server.uuid), content: content, consumer: entity, offeredBy: server)
    var delivery = DeliveryReply(order: order, consumerName: "TV", source: .mediaServer, state: .failed, attempts: 1, accepted: time)
    let outcome = DeliveryOutcome(delivery: order.id, state: .failed, reason: "not-fetched", detail: "never read", bytes: 3, sha256: [1])
    delivery.end(outcome, at: time)
    let json =
      #"{"accepted":"\#(at)","attempts":1,"bytes":3,"consumer":"\#(a1)","consumer_name":"TV","content":{"content_id":"\#(a1)","media_type":"video/mp4","#
      + #""name":"a.mp4","size":5},"delivery_id":"\#(b2)","detail":"never read","ended":"\#(at)","offered_by":"\#(b2)","reason":"not-fetched","#
      + #""sha256":"01","source":"media-server","state":"failed"}"#
    try expect(delivery, json)
    try expect(DeliveryListReply(deliveries: [delivery]), #"{"deliveries":[\#(json)]}"#)
    #expect(DeliveryReply.Source.administrator.rawValue == "administrator" && DeliveryReply.Source.server.rawValue == "server")
  }

  @Test func explanation() throws {
    let reply = ExplanationReply(
      subject: a1, name: "Phone", state: "offline", because: [.init(at: nil, text: "now"), .init(at: time, text: "then")], nextStep: "switch it on",
      rememberedSince: time)
    try expect(
      reply,
      #"{"because":[{"text":"now"},{"at":"\#(at)","text":"then"}],"name":"Phone","next_step":"switch it on","remembered_since":"\#(at)","state":"offline","#
        + #""subject":"\#(a1)"}"#)
  }

  @Test func audit() throws {
    let entry = AuditEntry(at: time, operation: "enrol", subject: "s:7420", user: 0, process: 42, outcome: "done")
    try expect(
      AuditReply(entries: [entry]),
      #"{"entries":[{"at":"\#(at)","operation":"enrol","outcome":"done","process":42,"subject":"s:7420","user":0}]}"#)
  }

  @Test func event() throws {
    try expect(
      EventReply(sequence: 3, at: time, kind: "paired", text: "Phone is paired", fields: ["entity": a1]),
      #"{"at":"\#(at)","fields":{"entity":"\#(a1)"},"kind":"paired","sequence":3,"text":"Phone is paired"}"#)
  }

  @Test func failure() throws {
    try expect(
      ErrorReply(AdminFailure(.notFound, "there is none", remedy: "look")),
      #"{"error":{"code":"not-found","message":"there is none","remedy":"look"}}"#)
  }
}
