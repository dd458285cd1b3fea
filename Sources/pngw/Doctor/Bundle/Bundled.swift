import AdminProtocol
import CPNSModel
import Diagnosis

// The gateway's answers as they go into a bundle: field by field, so that what a newer gateway adds does not leave by itself.

struct BundledStatus: Encodable {
  let software, uplink: String
  let uplinkSince, now: UTCTime
  let uplinkDetail: String?
  let isClockPlausible, isPairingOpen: Bool
  let linked, online, busy, offline, outbox, live: Int
  let outboxOldest: UTCTime?
  let interfaces: [StatusReply.Interface]
  let warnings: [StatusReply.Warning]

  init(_ status: StatusReply) {
    (software, uplink, uplinkSince, uplinkDetail) = (status.software, status.uplink.state.rawValue, status.uplink.since, status.uplink.detail)
    (now, isClockPlausible, isPairingOpen) = (status.now, status.clock.plausible, status.pairing.open)
    (linked, online, busy, offline) = (status.elements.linked, status.devices.online, status.devices.busy, status.devices.offline)
    (outbox, outboxOldest, live) = (status.outbox.messages, status.outbox.oldest, status.liveDeliveries)
    (interfaces, warnings) = (status.interfaces, status.warnings)
  }
}

struct BundledDevice: Encodable {
  let id: EntityID
  let name, kind, availability, reason, deviceType, manufacturer, model, software: String
  let since: UTCTime
  let address, interface: String?
  let accepts: [String]
  let paired: Bool?

  init(_ pne: PNEReply) {
    (id, name, kind, availability, reason, since, paired) = (pne.entityID, pne.name, pne.kind, pne.availability, pne.reason, pne.since, pne.paired)
    (address, interface) = (pne.attributes["address"], pne.attributes["interface"])
    let capabilities = pne.capabilities
    (deviceType, manufacturer, model, software) = (capabilities.deviceType, capabilities.manufacturer, capabilities.model, capabilities.software)
    accepts = Array(capabilities.accepts.prefix(64))
  }
}

struct BundledDelivery: Encodable {
  let id: DeliveryID
  let consumer: EntityID
  let content: Private
  let mediaType, source, state: String
  let size, bytes: UInt64?
  let reason: String?
  /// A sentence of the gateway's or of a device's, which may name the content.
  let detail: Secret<String>?
  let attempts: Int
  let accepted: UTCTime
  let ended: UTCTime?

  init(_ delivery: DeliveryReply, _ aliases: inout Aliases) {
    (id, consumer, source, state) = (delivery.deliveryID, delivery.consumer, delivery.source.rawValue, delivery.state.rawValue)
    content = aliases.hide(delivery.content.name, as: "content")
    (mediaType, size, bytes, reason) = (delivery.content.mediaType, delivery.content.size, delivery.bytes, delivery.reason)
    detail = delivery.detail.map(Secret.init)
    (attempts, accepted, ended) = (delivery.attempts, delivery.accepted, delivery.ended)
  }
}

/// Without its sentence, which may name a content, and with the fields that can't.
struct BundledEvent: Encodable {
  private static let kept = ["entity", "delivery", "consumer", "interface", "code", "severity", "state", "reason", "bytes", "size", "server", "pn", "type"]

  let sequence: UInt64
  let at: UTCTime
  let kind: String
  let fields: [String: String]

  init(_ event: EventReply) {
    (sequence, at, kind) = (event.sequence, event.at, event.kind)
    fields = event.fields.filter { Self.kept.contains($0.key) }
  }
}
