/// One device in a Personal Network, as the PN Inventory has it (AD 5.6.5, 5.6.9).
package struct InventoryEntry: Hashable, Sendable, Codable {
  package enum Kind: String, Sendable, Codable {
    /// Speaks CPNS itself.
    case pne
    /// A Non-CPNS device behind the proxy (AD 5.6.10).
    case virtualPNE = "virtual-pne"
    case pnGateway = "pn-gw"
  }

  package var id: EntityID
  package var name: String
  package var kind: Kind
  package var capabilities: DeviceCapabilities
  package var services: [ServiceDescription]
  package var availability: Availability
  /// Why, in a word: "registered", "link-lost", "alive", "byebye", "max-age", "probe-failed"…
  package var reason: String
  /// Since when it is so.
  package var since: Timestamp
  /// What it is known by elsewhere: "udn", "address". At most ``Limits/attributes``.
  package var attributes: [String: String]

  package init(
    id: EntityID, name: String, kind: Kind, capabilities: DeviceCapabilities, services: [ServiceDescription] = [],
    availability: Availability, reason: String, since: Timestamp, attributes: [String: String] = [:]
  ) {
    self.id = id
    self.name = name
    self.kind = kind
    self.capabilities = capabilities
    self.services = services
    self.availability = availability
    self.reason = reason
    self.since = since
    self.attributes = attributes
  }
}

/// Status of an entity (AD 5.6.2).
package enum Availability: String, Sendable, Codable {
  case online, offline, busy
}
