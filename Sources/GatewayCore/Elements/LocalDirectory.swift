import CPNSMessages
import CPNSModel
import CPNSSession

/// What PNEs are told of the local PN Inventory (AD 5.6.1, 5.6.2, 5.6.9). Members only ask here: who is linked is one.
struct LocalDirectory: Sendable {
  let inventory: PNInventory
  let gateway: LocalEntity

  func inventory(_ query: Cpns_V1_InventoryQuery) async -> Reply {
    let network = await inventory.network
    guard query.pnID.isEmpty || query.pnID == network.id.urn else {
      return .status(.notFound, "InventoryQuery.pn_id: this gateway serves \(network.id); ask the CPNS Server for another PN")
    }
    guard query.limit <= Limits.devices else { return .status(.malformed, "InventoryQuery.limit: expected at most \(Limits.devices)") }
    let page = InventoryPage(of: await inventory.all, after: query.after, limit: Int(query.limit))
    return .message(.inventory, Cpns_V1_Inventory(pn: network.id, name: network.name, revision: network.revision, page))
  }

  func status(_ query: Cpns_V1_StatusQuery) async -> Reply {
    var answer = Cpns_V1_StatusAnswer()
    if query.entityID.isEmpty || query.entityID == gateway.id.urn {
      answer.status.entityID = gateway.id.urn
      answer.status.availability = .online
      answer.status.reason = "running"
    } else {
      guard let entry = await entry(query.entityID) else { return Self.unknown }
      answer.status = Cpns_V1_EntityStatus(entry)
    }
    return .message(.statusAnswer, answer)
  }

  func capabilities(_ query: Cpns_V1_CapabilitiesQuery) async -> Reply {
    guard let entry = await entry(query.entityID) else { return Self.unknown }
    var answer = Cpns_V1_CapabilitiesAnswer()
    answer.capabilities = Cpns_V1_DeviceCapabilities(entry.capabilities)
    return .message(.capabilitiesAnswer, answer)
  }

  private func entry(_ urn: String) async -> InventoryEntry? {
    guard let id = EntityID(urn: urn) else { return nil }
    return await inventory.entry(id)
  }

  private static let unknown = Reply.status(.notFound, "entity_id: no such entity is in this PN's inventory")
}
