/// The operational Mode of a CPNS entity (AD 5.6.5). A device may be in both.
package enum Mode: String, Sendable, Codable, Hashable {
  case pne
  case pnGateway = "pn-gw"
  /// Takes no part in Entity Discovery, but says what it is on a link.
  case server = "cpns-server"
}
