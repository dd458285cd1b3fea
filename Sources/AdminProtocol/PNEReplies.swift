package import CPNSModel

/// `GET /v1/pnes`
package struct PNEListReply: Sendable, Hashable, Codable {
  package var pnes: [PNEReply]

  package init(pnes: [PNEReply]) { self.pnes = pnes }
}

/// `GET /v1/pnes/{id}`: one device, as the PN Inventory has it.
package struct PNEReply: Sendable, Hashable, Codable {
  package var entityID: EntityID
  package var name: String
  /// `pne`, `virtual-pne` or `pn-gw`.
  package var kind: String
  /// `online`, `busy` or `offline`.
  package var availability: String
  /// Why it is so, in a word.
  package var reason: String
  package var since: UTCTime
  /// `address`, `udn`, `interface`…
  package var attributes: [String: String]
  package var capabilities: CapabilitiesReply
  package var services: [ServiceReply]
  /// It holds a key of this gateway's; nil for devices that need none.
  package var paired: Bool?

  private enum CodingKeys: String, CodingKey {
    case name, kind, availability, reason, since, attributes, capabilities, services, paired
    case entityID = "entity_id"
  }

  package init(_ entry: InventoryEntry, paired: Bool?) {
    entityID = entry.id
    name = entry.name
    kind = entry.kind.rawValue
    availability = entry.availability.rawValue
    reason = entry.reason
    since = UTCTime(entry.since)
    attributes = entry.attributes
    capabilities = CapabilitiesReply(entry.capabilities)
    services = entry.services.map(ServiceReply.init)
    self.paired = paired
  }
}

/// What a device is and can do (AD 5.6.1).
package struct CapabilitiesReply: Sendable, Hashable, Codable {
  package var deviceType: String
  package var manufacturer: String
  package var model: String
  package var software: String
  package var accepts: [String]
  package var bearers: [String]
  package var sinkProtocolInfo: [String]

  private enum CodingKeys: String, CodingKey {
    case manufacturer, model, software, accepts, bearers
    case deviceType = "device_type"
    case sinkProtocolInfo = "sink_protocol_info"
  }

  init(_ model: DeviceCapabilities) {
    deviceType = model.deviceType
    manufacturer = model.manufacturer
    self.model = model.model
    software = model.software
    accepts = model.accepts
    bearers = model.bearers
    sinkProtocolInfo = model.sinkProtocolInfo
  }
}

/// What a device offers (AD 5.6.4).
package struct ServiceReply: Sendable, Hashable, Codable {
  package var serviceID: ServiceID
  package var name: String
  package var serviceType: String
  package var keywords: [String]
  package var requiredMediaTypes: [String]

  private enum CodingKeys: String, CodingKey {
    case name, keywords
    case serviceID = "service_id"
    case serviceType = "service_type"
    case requiredMediaTypes = "required_media_types"
  }

  init(_ model: ServiceDescription) {
    serviceID = model.id
    name = model.name
    serviceType = model.type
    keywords = model.keywords
    requiredMediaTypes = model.requiredMediaTypes
  }
}

/// `DELETE /v1/pnes/{id}`
package struct RemovalReply: Sendable, Hashable, Codable {
  package var removed: EntityID
  package var name: String

  package init(removed: EntityID, name: String) {
    self.removed = removed
    self.name = name
  }
}
