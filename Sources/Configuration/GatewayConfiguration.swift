/// `pngw.toml`: what a PN GW is told by who runs it. ``keys`` says what each value is for and may be.
package struct GatewayConfiguration: ConfigurationFile, Hashable {
  package struct Log: Hashable, Sendable {
    package var level = LogLevel.info
  }
  package struct State: Hashable, Sendable {
    package var directory = "/var/lib/pngw"
    package var contentQuotaMiB = 1024
  }
  package struct Elements: Hashable, Sendable {
    /// Literal; empty: all.
    package var address = ""
    /// 0: any.
    package var port = 7421
    package var pairingWindowSeconds = 300
  }
  package struct Uplink: Hashable, Sendable {
    /// `HOST:PORT`; empty: what enrolment stored.
    package var server = ""
    /// PEM file or URI of an OpenSSL provider; empty: `key.pem` in the state directory.
    package var privateKey = ""
    /// Empty: `certificate.pem` in the state directory.
    package var certificate = ""
    /// Empty: `trust-anchor.pem` in the state directory.
    package var trustAnchor = ""
    package var keepAliveSeconds = 10
    package var backoffFirstMilliseconds = 500
    package var backoffLimitSeconds = 60
  }
  package struct Proxy: Hashable, Sendable {
    package var isEnabled = true
    /// Empty: all with a LAN behind them.
    package var interfaces: [String] = []
  }
  package struct Relay: Hashable, Sendable {
    /// 0: any.
    package var port = 7422
  }
  package struct MDNS: Hashable, Sendable {
    package var isEnabled = true
  }
  package struct Admin: Hashable, Sendable {
    package var socket = "/run/pngw/admin.sock"
    /// Empty: nobody by a group.
    package var viewerGroup = "pngw-viewer"
    /// Empty: nobody by a group.
    package var operatorGroup = "pngw-operator"
  }

  package struct Metrics: Hashable, Sendable {
    /// Literal; empty: all.
    package var address = "127.0.0.1"
    /// 0: off.
    package var port = 0
  }

  package var name = "pngw"
  package var log = Log()
  package var state = State()
  package var elements = Elements()
  package var uplink = Uplink()
  package var proxy = Proxy()
  package var relay = Relay()
  package var mdns = MDNS()
  package var admin = Admin()
  package var metrics = Metrics()

  package init() {}

  package var conflicts: [(path: String, text: String)] {
    var conflicts: [(path: String, text: String)] = []
    if uplink.backoffFirstMilliseconds > uplink.backoffLimitSeconds * 1000 {
      conflicts.append(("uplink.backoff_first_ms", "longer than uplink.backoff_limit_seconds: expected at most that"))
    }
    if relay.port != 0, relay.port == elements.port {
      conflicts.append(("relay.port", "\(relay.port) is the port of [elements] too: expected another, or 0 for any"))
    }
    return conflicts
  }
}
