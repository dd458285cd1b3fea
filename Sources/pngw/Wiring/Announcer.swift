import AvahiBearer
import GatewayCore
import Logging

/// Tells the LAN that this gateway is here, by the machine's own mDNS responder.
struct Announcer: ServiceAnnouncing {
  let logger: Logger

  func announce(name: String, port: Int, text: [String: String]) async {
    await AvahiAnnouncer(logger: logger).announce(name: name, port: port, text: text)
  }
}
