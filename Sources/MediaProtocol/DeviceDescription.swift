/// What a device description says (UPnP Device Architecture 1.1, 2.3), with all URLs absolute and checked.
package struct DeviceDescription: Hashable, Sendable {
  /// Devices in one description, embedded ones counted.
  package static let mostDevices = 32
  package static let mostServices = 32
  /// A name in characters, before it is cut.
  package static let longestName = 128

  /// The media renderers and media servers, each with its own UDN.
  package var devices: [DescribedDevice]
  /// Every device in the description, others included.
  package var udns: Set<UDN>

  /// - Parameters:
  ///   - location: where the description came from.
  ///   - allows: whether a URL in it may be contacted.
  package init(
    _ root: XMLElement, location: LANURL, allows: (LANURL) throws(LANRefusal) -> Void
  ) throws(DescriptionRefusal) {
    guard root.name == "root", let device = root.first("device") else { throw .malformed("it is <\(root.name.prefix(40))> and has no <root><device>") }
    var base = location
    do {
      if let text = root.value("URLBase"), !text.isEmpty { base = try LANURL(text) }
      try allows(base)
    } catch { throw .url("URLBase", error) }
    var reader = Reader(base: base, devices: [], udns: [])
    try reader.read(device, allows)
    (devices, udns) = (reader.devices, reader.udns)
  }

  private struct Reader {
    let base: LANURL
    var devices: [DescribedDevice]
    var udns: Set<UDN>

    mutating func read(_ element: XMLElement, _ allows: (LANURL) throws(LANRefusal) -> Void) throws(DescriptionRefusal) {
      guard udns.count < mostDevices else { throw .malformed("it has more than \(mostDevices) devices") }
      guard let udn = element.value("UDN").flatMap({ UDN(described: $0) }) else { throw .malformed("a device has no usable <UDN>; uuid:… would be right") }
      udns.insert(udn)
      let type = element.value("deviceType") ?? ""
      if let role = MediaDevice.Role(deviceType: type) {
        let services = try services(of: element, allows)
        devices.append(DescribedDevice(
          udn: udn, role: role, deviceType: DeviceDescription.name(type), friendlyName: DeviceDescription.name(element.value("friendlyName")),
          manufacturer: DeviceDescription.name(element.value("manufacturer")), modelName: DeviceDescription.name(element.value("modelName")),
          services: services))
      }
      for embedded in element.first("deviceList")?.all("device") ?? [] { try read(embedded, allows) }
    }

    private func services(
      of device: XMLElement, _ allows: (LANURL) throws(LANRefusal) -> Void
    ) throws(DescriptionRefusal) -> [DescribedService] {
      let list = device.first("serviceList")?.all("service") ?? []
      guard list.count <= mostServices else { throw .malformed("a device has more than \(mostServices) services") }
      var services: [DescribedService] = []
      // A vendor's own services often have odd URLs; only those that we use must be right.
      for element in list {
        guard let type = element.value("serviceType"), let kind = DescribedService.Kind(serviceType: type) else { continue }
        guard let control = element.value("controlURL"), !control.isEmpty else { throw .malformed("the service \(kind.rawValue) has no <controlURL>") }
        services.append(DescribedService(
          kind: kind, type: type, control: try url(control, "controlURL of \(kind.rawValue)", allows),
          event: try element.value("eventSubURL").flatMap { text throws(DescriptionRefusal) in text.isEmpty ? nil : try url(text, "eventSubURL of \(kind.rawValue)", allows) }))
      }
      return services
    }

    private func url(
      _ text: String, _ what: String, _ allows: (LANURL) throws(LANRefusal) -> Void
    ) throws(DescriptionRefusal) -> LANURL {
      do throws(LANRefusal) {
        let url = try base.resolving(text)
        try allows(url)
        return url
      } catch { throw .url(what, error) }
    }
  }

  /// For people: one line, no control characters, cut.
  private static func name(_ text: String?) -> String {
    var clean = ""
    for character in (text ?? "").prefix(longestName) {
      clean.append(character.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 } ? character : " ")
    }
    return String(clean.trimmed)
  }
}

package struct DescribedDevice: Hashable, Sendable {
  package var udn: UDN
  package var role: MediaDevice.Role
  package var deviceType: String
  package var friendlyName: String
  package var manufacturer: String
  package var modelName: String
  package var services: [DescribedService]

  package func service(_ kind: DescribedService.Kind) -> DescribedService? { services.first { $0.kind == kind } }
}

package struct DescribedService: Hashable, Sendable {
  /// The services that we use.
  package enum Kind: String, Sendable {
    case avTransport = "AVTransport"
    case connectionManager = "ConnectionManager"
    case contentDirectory = "ContentDirectory"

    /// `urn:schemas-upnp-org:service:AVTransport:1`, any version.
    package init?(serviceType: some StringProtocol) {
      let parts = serviceType.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 5, parts[1] == "schemas-upnp-org", parts[2] == "service" else { return nil }
      self.init(rawValue: String(parts[3]))
    }
  }

  package var kind: Kind
  package var type: String
  package var control: LANURL
  package var event: LANURL?
}

package enum DescriptionRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  case malformed(String)
  /// Which URL, and what is wrong with it.
  case url(String, LANRefusal)

  package var description: String {
    switch self {
    case .malformed(let what): "the description is unusable: \(what)"
    case .url(let which, let refusal): "\(which): \(refusal)"
    }
  }
}

extension MediaDevice.Role {
  /// `urn:schemas-upnp-org:device:MediaRenderer:1`, any version; nil for devices without media.
  package init?(deviceType: some StringProtocol) {
    let parts = deviceType.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 5, parts[1] == "schemas-upnp-org", parts[2] == "device" else { return nil }
    switch parts[3] {
    case "MediaRenderer": self = .renderer
    case "MediaServer": self = .server
    default: return nil
    }
  }
}

extension UDN {
  /// Longest that is kept, in bytes. The standard's form has 36; some vendors write more.
  package static let longest = 128

  /// `uuid:…`, as in a description, a `USN` before its `::`, or without the prefix. nil when it cannot be a UDN.
  package init?(described text: some StringProtocol) {
    let whole = text.trimmed
    let bare = whole.lowercased().hasPrefix("uuid:") ? String(whole.dropFirst(5)) : String(whole)
    guard (1...Self.longest).contains(bare.utf8.count), bare.utf8.allSatisfy({ (33...126).contains($0) }) else { return nil }
    self.init(bare)
  }
}
