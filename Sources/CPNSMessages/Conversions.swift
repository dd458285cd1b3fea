package import CPNSModel
import FoundationEssentials

// Model values ↔ messages. To a message nothing can go wrong; from one, every field is checked against its bound first.

func identifier<T>(_ urn: String, _ field: String) throws(MessageError) -> Identifier<T> {
  guard let id = Identifier<T>(urn: urn) else { throw MessageError(field, "expected urn:uuid:… and a UUID") }
  return id
}

func name(_ text: String, _ field: String, upTo limit: Int = Limits.name) throws(MessageError) -> String {
  guard !text.isEmpty, isPrintable(text, upTo: limit) else { throw MessageError(field, "expected 1 to \(limit) printable characters") }
  return text
}

/// One character may be many scalars: bytes are bounded too, at ``Limits/bytesPerCharacter`` on the average.
private func isPrintable(_ text: String, upTo limit: Int) -> Bool {
  text.utf8.count <= Limits.bytesPerCharacter * limit && text.count <= limit && !text.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
}

func text(_ text: String, _ field: String, upTo limit: Int = Limits.name) throws(MessageError) -> String {
  guard text.utf8.count <= Limits.bytesPerCharacter * limit, text.count <= limit else { throw MessageError(field, "longer than \(limit) characters") }
  return text
}

func atMost<T>(_ limit: Int, _ list: [T], _ field: String) throws(MessageError) -> [T] {
  guard list.count <= limit else { throw MessageError(field, "\(list.count) elements, at most \(limit) are taken") }
  return list
}

func texts(_ limit: Int, of length: Int, _ list: [String], _ field: String) throws(MessageError) -> [String] {
  guard list.allSatisfy({ $0.utf8.count <= length }) else { throw MessageError(field, "an element is longer than \(length) bytes") }
  return try atMost(limit, list, field)
}

func digest(_ bytes: Data, _ field: String) throws(MessageError) -> [UInt8]? {
  if bytes.isEmpty { return nil }
  guard bytes.count == 32 else { throw MessageError(field, "expected 32 bytes, or none when it is not known") }
  return Array(bytes)
}

extension Cpns_V1_DeviceCapabilities {
  package init(_ model: DeviceCapabilities) {
    self.init()
    deviceType = model.deviceType
    manufacturer = model.manufacturer
    self.model = model.model
    software = model.software
    accepts = model.accepts
    bearers = model.bearers
    sinkProtocolInfo = model.sinkProtocolInfo
  }
}

extension DeviceCapabilities {
  package init(checking message: Cpns_V1_DeviceCapabilities) throws(MessageError) {
    self.init(
      deviceType: try name(message.deviceType, "DeviceCapabilities.device_type", upTo: 64),
      manufacturer: try text(message.manufacturer, "DeviceCapabilities.manufacturer"),
      model: try text(message.model, "DeviceCapabilities.model"),
      software: try text(message.software, "DeviceCapabilities.software"),
      accepts: try texts(Limits.mediaTypes, of: Limits.mediaType, message.accepts, "DeviceCapabilities.accepts"),
      bearers: try texts(16, of: Limits.name, message.bearers, "DeviceCapabilities.bearers"),
      sinkProtocolInfo: try texts(Limits.mediaTypes, of: Limits.protocolInfo, message.sinkProtocolInfo, "DeviceCapabilities.sink_protocol_info"))
  }
}

extension Cpns_V1_ServiceDescription {
  package init(_ model: ServiceDescription) {
    self.init()
    serviceID = model.id.urn
    name = model.name
    serviceType = model.type
    keywords = model.keywords
    offeredBy = model.offeredBy.urn
    requiredMediaTypes = model.requiredMediaTypes
  }
}

extension ServiceDescription {
  package init(checking message: Cpns_V1_ServiceDescription) throws(MessageError) {
    self.init(
      id: try identifier(message.serviceID, "ServiceDescription.service_id"),
      name: try CPNSMessages.name(message.name, "ServiceDescription.name"),
      type: try CPNSMessages.name(message.serviceType, "ServiceDescription.service_type"),
      keywords: try texts(32, of: Limits.name, message.keywords, "ServiceDescription.keywords"),
      offeredBy: try identifier(message.offeredBy, "ServiceDescription.offered_by"),
      requiredMediaTypes: try texts(64, of: Limits.mediaType, message.requiredMediaTypes, "ServiceDescription.required_media_types"))
  }

  package static func list(checking messages: [Cpns_V1_ServiceDescription]) throws(MessageError) -> [ServiceDescription] {
    try atMost(Limits.services, messages, "services").map { (m) throws(MessageError) in try ServiceDescription(checking: m) }
  }
}

extension Cpns_V1_InventoryEntry {
  package init(_ model: InventoryEntry) {
    self.init()
    entityID = model.id.urn
    name = model.name
    kind = switch model.kind {
    case .pne: .pne
    case .virtualPNE: .virtualPne
    case .pnGateway: .pnGw
    }
    capabilities = Cpns_V1_DeviceCapabilities(model.capabilities)
    services = model.services.map(Cpns_V1_ServiceDescription.init)
    availability = Cpns_V1_Availability(model.availability)
    availabilityReason = model.reason
    sinceMs = model.since.milliseconds
    attributes = model.attributes
  }

  /// Says that `entity` was taken out.
  package init(removing entity: EntityID) {
    self.init()
    entityID = entity.urn
    removed = true
  }
}

extension InventoryEntry {
  package init(checking message: Cpns_V1_InventoryEntry) throws(MessageError) {
    let kind: Kind =
      switch message.kind {
      case .pne: .pne
      case .virtualPne: .virtualPNE
      case .pnGw: .pnGateway
      case .unspecified, .UNRECOGNIZED: throw MessageError("InventoryEntry.kind", "expected PNE, VIRTUAL_PNE or PN_GW")
      }
    guard message.attributes.count <= Limits.attributes,
      message.attributes.allSatisfy({ $0.key.count <= 64 && $0.value.count <= 256 })
    else { throw MessageError("InventoryEntry.attributes", "at most \(Limits.attributes) of at most 256 characters") }
    self.init(
      id: try identifier(message.entityID, "InventoryEntry.entity_id"),
      name: try CPNSMessages.name(message.name, "InventoryEntry.name"),
      kind: kind,
      capabilities: try DeviceCapabilities(checking: message.capabilities),
      services: try ServiceDescription.list(checking: message.services),
      availability: try Availability(checking: message.availability),
      reason: try text(message.availabilityReason, "InventoryEntry.availability_reason"),
      since: Timestamp(milliseconds: message.sinceMs),
      attributes: message.attributes)
  }
}

extension InventoryEntry {
  /// The PNE `entity` as it registers itself, online.
  /// - Parameter otherwise: its name when it gives none.
  package init(
    checking message: Cpns_V1_Registration, of entity: EntityID, named otherwise: String, at now: Timestamp, attributes: [String: String]
  ) throws(MessageError) {
    self.init(
      id: entity, name: try CPNSMessages.name(message.name.isEmpty ? otherwise : message.name, "Registration.name"), kind: .pne,
      capabilities: try DeviceCapabilities(checking: message.capabilities), services: try ServiceDescription.list(checking: message.services),
      availability: .online, reason: "registered", since: now, attributes: attributes)
  }
}

extension Cpns_V1_StatusReport {
  package func checked() throws(MessageError) -> (availability: Availability, reason: String) {
    guard isPrintable(reason, upTo: 64) else { throw MessageError("StatusReport.reason", "expected at most 64 printable characters") }
    return (try Availability(checking: availability), reason)
  }
}

extension Cpns_V1_PairRequest {
  package func checked() throws(MessageError) -> (entity: EntityID, name: String) {
    (try identifier(entityID, "PairRequest.entity_id"), try CPNSMessages.name(name, "PairRequest.name", upTo: 64))
  }
}

extension Cpns_V1_Availability {
  package init(_ model: Availability) {
    self =
      switch model {
      case .online: .online
      case .offline: .offline
      case .busy: .busy
      }
  }
}

extension Availability {
  package init(checking message: Cpns_V1_Availability) throws(MessageError) {
    switch message {
    case .online: self = .online
    case .offline: self = .offline
    case .busy: self = .busy
    case .unspecified, .UNRECOGNIZED: throw MessageError("availability", "expected ONLINE, OFFLINE or BUSY")
    }
  }
}
