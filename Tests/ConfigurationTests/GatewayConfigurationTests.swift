import Testing

@testable import Configuration

@Suite struct GatewayConfigurationTests {
  @Test func anEmptyFileIsAllDefaults() throws {
    let configuration = try GatewayConfiguration(parsing: "", file: "pngw.toml")
    #expect(configuration == GatewayConfiguration())
    #expect(configuration.elements.port == 7421)
    #expect(configuration.state.directory == "/var/lib/pngw")
  }

  @Test func everyKeyIsTaken() throws {
    let configuration = try GatewayConfiguration(parsing: Self.everything, file: "pngw.toml")
    var expected = GatewayConfiguration()
    expected.name = "Küche"
    expected.log.level = .debug
    expected.state = .init(directory: "/srv/pngw", contentQuotaMiB: 16)
    expected.elements = .init(address: "192.0.2.1", port: 0, pairingWindowSeconds: 60)
    expected.uplink = .init(
      server: "[2001:db8::1]:7420", privateKey: "pkcs11:object=gw", certificate: "/etc/c.pem", trustAnchor: "/etc/a.pem",
      keepAliveSeconds: 5, backoffFirstMilliseconds: 100, backoffLimitSeconds: 30)
    expected.proxy = .init(isEnabled: false, interfaces: ["eth0", "wlan0"])
    expected.relay.port = 8000
    expected.mdns.isEnabled = false
    expected.admin = .init(socket: "/run/x.sock", viewerGroup: "", operatorGroup: "adm")
    #expect(configuration == expected)
  }

  @Test func aTestThatSetsEveryKeyIsNotOutrunByANewOne() {
    for key in GatewayConfiguration.keys { #expect(Self.everything.contains("\(key.name) = "), "\(key.path) is missing above") }
  }

  @Test func valuesThatContradictEachOtherAreRefused() {
    #expect(
      problems("[uplink]\nbackoff_first_ms = 2000\nbackoff_limit_seconds = 1").first
        == "pngw.toml:2: uplink.backoff_first_ms: longer than uplink.backoff_limit_seconds: expected at most that")
    #expect(problems("relay.port = 7421").first?.hasPrefix("pngw.toml:1: relay.port: 7421 is the port of [elements] too") == true)
    #expect(problems("relay.port = 0\nelements.port = 0").isEmpty)
  }

  /// No value here is its default.
  private static let everything = """
    name = "Küche"
    [log]
    level = "debug"
    [state]
    directory = "/srv/pngw"
    content_quota_mib = 16
    [elements]
    address = "192.0.2.1"
    port = 0
    pairing_window_seconds = 60
    [uplink]
    server = "[2001:db8::1]:7420"
    private_key = "pkcs11:object=gw"
    certificate = "/etc/c.pem"
    trust_anchor = "/etc/a.pem"
    keep_alive_seconds = 5
    backoff_first_ms = 100
    backoff_limit_seconds = 30
    [proxy]
    enabled = false
    interfaces = ["eth0", "wlan0"]
    [relay]
    port = 8000
    [mdns]
    enabled = false
    [admin]
    socket = "/run/x.sock"
    viewer_group = ""
    operator_group = "adm"
    """
}

/// What is told of `text` as a pngw.toml, a line for each problem.
func problems(_ text: String) -> [String] {
  do throws(ConfigurationError) {
    _ = try GatewayConfiguration(parsing: text, file: "pngw.toml")
    return []
  } catch {
    return error.problems.map(\.description)
  }
}
