/// What a device is and can do (AD 5.6.1).
package struct DeviceCapabilities: Hashable, Sendable, Codable {
  /// AD 5.6.1.2 device type in a word: "television", "media-server", "computer"…
  package var deviceType: String
  package var manufacturer: String
  package var model: String
  package var software: String
  /// Media types that the device takes: `type/subtype` or `type/*`, at most ``Limits/mediaTypes``.
  package var accepts: [String]
  /// "wifi", "bluetooth", "upnp".
  package var bearers: [String]
  /// The sink ProtocolInfo of a virtual PNE, as its device gave it.
  package var sinkProtocolInfo: [String]

  package init(
    deviceType: String, manufacturer: String = "", model: String = "", software: String = "", accepts: [String] = [],
    bearers: [String] = [], sinkProtocolInfo: [String] = []
  ) {
    self.deviceType = deviceType
    self.manufacturer = manufacturer
    self.model = model
    self.software = software
    self.accepts = accepts
    self.bearers = bearers
    self.sinkProtocolInfo = sinkProtocolInfo
  }

  /// Whether the device says that it takes `mediaType` (`type/subtype`), under any name of that format.
  package func takes(_ mediaType: String) -> Bool {
    let names = MediaTypes.names(of: mediaType)
    let families = names.map { $0.prefix { $0 != "/" } + "/*" }
    return accepts.contains { accepted in accepted == "*/*" || names.contains(accepted) || families.contains { $0 == accepted } }
  }
}
