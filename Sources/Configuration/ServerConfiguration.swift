/// `cpnsd.toml`: what a CPNS Server is told by who runs it. ``keys`` says what each value is for and may be.
package struct ServerConfiguration: ConfigurationFile, Hashable {
  package struct Log: Hashable, Sendable {
    package var level = LogLevel.info
  }
  package struct State: Hashable, Sendable {
    package var directory = "/var/lib/cpnsd"
    package var contentQuotaMiB = 10_240
  }
  package struct Uplink: Hashable, Sendable {
    /// Literal; empty: all.
    package var address = ""
    /// 0: any.
    package var port = 7420
    /// DNS names and address literals of the server's certificate, at least one.
    package var names = ["localhost", "127.0.0.1"]
    /// Of a gateway's certificate; it asks for another one when a third is left.
    package var gatewayCertificateDays = 825
  }
  package struct API: Hashable, Sendable {
    /// Literal; empty: all.
    package var address = "127.0.0.1"
    /// 0: any.
    package var port = 7443
  }

  package var name = "cpnsd"
  package var log = Log()
  package var state = State()
  package var uplink = Uplink()
  package var api = API()

  package init() {}

  package var conflicts: [(path: String, text: String)] {
    guard api.port != 0, api.port == uplink.port else { return [] }
    return [("api.port", "\(api.port) is the port of [uplink] too: expected another, or 0 for any")]
  }
}
