import CPNSModel
import ServerCore

// How the API shows things: ids as urn:uuid, times as ISO 8601, hashes as hexadecimal.

extension InventoryEntry {
  var json: JSONValue {
    [
      "entity_id": .text(id.urn), "name": .text(name), "kind": .text(kind.rawValue), "availability": .text(availability.rawValue),
      "reason": .text(reason), "since": .text(since.iso8601), "attributes": .object(attributes.mapValues(JSONValue.text)),
      "capabilities": capabilities.json, "services": .list(services.map(\.json)),
    ]
  }
}

extension DeviceCapabilities {
  var json: JSONValue {
    [
      "device_type": .text(deviceType), "manufacturer": .text(manufacturer), "model": .text(model), "software": .text(software),
      "accepts": .texts(accepts), "bearers": .texts(bearers), "sink_protocol_info": .texts(sinkProtocolInfo),
    ]
  }
}

extension ServiceDescription {
  var json: JSONValue {
    [
      "service_id": .text(id.urn), "name": .text(name), "service_type": .text(type), "keywords": .texts(keywords),
      "offered_by": .text(offeredBy.urn), "required_media_types": .texts(requiredMediaTypes),
    ]
  }
}

extension ServiceRecord {
  var json: JSONValue { description.json.with(["pn_id": .optional(pn?.urn)]) }
}

extension LocatedEntry {
  var json: JSONValue { entry.json.with(["pn_id": .text(pn.urn)]) }
}

extension NetworkState {
  var json: JSONValue {
    [
      "pn_id": .text(record.id.urn), "name": .text(record.name), "revision": .size(record.revision), "gateway": .text(record.gateway.urn),
      "online": .flag(isOnline),
    ]
  }
}

extension GatewayState {
  var json: JSONValue {
    [
      "entity_id": .text(record.id.urn), "name": .text(record.name), "pn_id": .text(record.pn.urn), "online": .flag(isOnline),
      "enrolled": .text(record.enrolled.iso8601),
    ]
  }
}

extension ContentDescription {
  var json: JSONValue {
    [
      "content_id": .text(id.urn), "name": .text(name), "media_type": .text(mediaType), "size": size.map(JSONValue.size) ?? .null,
      "sha256": .optional(sha256.map(Hex.text)),
    ]
  }
}

extension ContentRecord {
  var json: JSONValue { description.json.with(["created": .text(made.iso8601)]) }
}

extension DeliveryReport {
  var json: JSONValue {
    let outcome = delivery.outcome
    return [
      "delivery_id": .text(delivery.order.id.urn), "content_id": .text(delivery.order.content.id.urn), "content": delivery.order.content.json,
      "consumer": .text(delivery.order.consumer.urn), "pn_id": .text(delivery.pn.urn), "state": .text(state.rawValue), "bytes": .size(bytes),
      // The gateway has it on disk.
      "answered": .flag(delivery.isAnswered), "reason": .text(outcome?.reason ?? ""), "detail": .text(outcome?.detail ?? ""),
      "sha256": .optional(outcome?.sha256.map(Hex.text)), "created": .text(delivery.made.iso8601), "ended": .optional(delivery.ended?.iso8601),
    ]
  }
}

extension ReceivedUsage {
  var json: JSONValue {
    [
      "usage_id": .text(usage.id.urn), "consumer": .text(usage.consumer.urn), "delivery_id": .text(usage.delivery.urn),
      "content": usage.content.json, "service_type": .text(usage.serviceType), "started": .text(usage.started.iso8601),
      "ended": .text(usage.ended.iso8601), "bytes": .size(usage.bytes), "outcome": .text(usage.outcome.rawValue),
      "capabilities": usage.capabilities.json, "gateway": .text(gateway.urn), "pn_id": .text(pn.urn), "received": .text(received.iso8601),
    ]
  }
}
