import CPNSModel
import MediaProtocol

/// How a UPnP device looks as a PNE (AD 5.6.10).
struct VirtualPNE: Sendable {
  /// Namespace of the ids of virtual PNEs (docs/protocol.md, "Ids"): the same UDN is the same PNE behind any gateway.
  static let namespace = EntityID(urn: "urn:uuid:6f2a1f5c-3b0e-5d37-9a44-8d1c6a0b7e21")

  let secrets: any Secrets

  func id(of udn: UDN) -> EntityID { secrets.nameBased("uuid:" + udn.value, in: Self.namespace ?? .random()) }

  func entry(for device: MediaDevice, now: Timestamp) -> InventoryEntry {
    let id = id(of: device.udn)
    return InventoryEntry(
      id: id, name: name(of: device), kind: .virtualPNE, capabilities: capabilities(of: device),
      services: service(of: device, id).map { [$0] } ?? [], availability: .online, reason: "alive", since: now,
      attributes: ["udn": device.udn.value, "address": device.address, "interface": device.interface])
  }

  private func name(of device: MediaDevice) -> String {
    let printable = device.friendlyName.filter { !$0.isNewline && $0.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 } }
    return printable.isEmpty ? "UPnP device \(device.udn.value.prefix(8))" : printable.fitting(Limits.name)
  }

  private func capabilities(of device: MediaDevice) -> DeviceCapabilities {
    DeviceCapabilities(
      deviceType: device.role.deviceType, manufacturer: device.manufacturer.fitting(Limits.name),
      model: device.modelName.fitting(Limits.name),
      accepts: device.role == .renderer ? ProtocolInfo.mediaTypes(in: device.sink, limit: Limits.mediaTypes) : [],
      bearers: ["upnp"], sinkProtocolInfo: device.role == .renderer ? Array(device.sink.filter { $0.utf8.count <= Limits.protocolInfo }.prefix(Limits.mediaTypes)) : [])
  }

  private func service(of device: MediaDevice, _ id: EntityID) -> ServiceDescription? {
    let (type, words): (String, [String])
    switch device.role {
    case .renderer: (type, words) = ("media-rendering", ["play", "renderer", "television"])
    case .server: (type, words) = ("media-library", ["library", "media", "server"])
    case .other: return nil
    }
    let service = ServiceID(uuid: secrets.nameBased(type, in: id).uuid)
    return ServiceDescription(id: service, name: name(of: device), type: type, keywords: words, offeredBy: id)
  }
}

extension MediaDevice.Role {
  var deviceType: String {
    switch self {
    case .renderer: "television"
    case .server: "media-server"
    case .other: "upnp-device"
    }
  }
}
