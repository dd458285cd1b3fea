/// One service that the responder sees on our networks, under its instance name.
package struct DiscoveredService: Sendable, Hashable {
  /// Instance name, for people: `Living room gateway`.
  package var name: String
  /// Where it is reached, IPv4 first. Never empty.
  package var endpoints: [ServiceEndpoint]
  /// Of its TXT record. Authenticates nothing: anybody on the LAN can say it.
  package var text: [String: String]

  package init(name: String, endpoints: [ServiceEndpoint], text: [String: String]) {
    self.name = name
    self.endpoints = endpoints
    self.text = text
  }
}

/// An address literal and a port.
package struct ServiceEndpoint: Sendable, Hashable, CustomStringConvertible {
  /// `10.77.0.10`, `2001:db8::1`, `fe80::1%eth0`.
  package var host: String
  package var port: UInt16

  package init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  package var isIPv6: Bool { host.contains(":") }
  /// `10.77.0.10:7421`, `[fe80::1%eth0]:7421`.
  package var description: String { (isIPv6 ? "[\(host)]" : host) + ":\(port)" }
}
