import Testing

@testable import Configuration

@Suite struct ServerConfigurationTests {
  @Test func anEmptyFileIsAllDefaults() throws {
    let configuration = try ServerConfiguration(parsing: "", file: "cpnsd.toml")
    #expect(configuration == ServerConfiguration())
    #expect(configuration.uplink.names == ["localhost", "127.0.0.1"])
    #expect(configuration.api.address == "127.0.0.1")
  }

  @Test func everyKeyIsTaken() throws {
    let configuration = try ServerConfiguration(parsing: Self.everything, file: "cpnsd.toml")
    var expected = ServerConfiguration()
    expected.name = "home"
    expected.log.level = .warning
    expected.state = .init(directory: "/srv/cpnsd", contentQuotaMiB: 5)
    expected.uplink = .init(address: "::", port: 1, names: ["cpns.example", "2001:db8::7"], gatewayCertificateDays: 90)
    expected.api = .init(address: "", port: 0)
    #expect(configuration == expected)
  }

  @Test func aTestThatSetsEveryKeyIsNotOutrunByANewOne() {
    for key in ServerConfiguration.keys { #expect(Self.everything.contains("\(key.name) = "), "\(key.path) is missing above") }
  }

  @Test func aCertificateNeedsANameAndTwoPortsAreTwo() {
    #expect(throws: ConfigurationError.self) { try ServerConfiguration(parsing: "uplink.names = []", file: "cpnsd.toml") }
    #expect(throws: ConfigurationError.self) { try ServerConfiguration(parsing: "uplink.names = [\"no_such host\"]", file: "cpnsd.toml") }
    #expect(throws: ConfigurationError.self) { try ServerConfiguration(parsing: "api.port = 7420", file: "cpnsd.toml") }
  }

  /// No value here is its default.
  private static let everything = """
    name = "home"
    log.level = "warning"
    [state]
    directory = "/srv/cpnsd"
    content_quota_mib = 5
    [uplink]
    address = "::"
    port = 1
    names = ["cpns.example", "2001:db8::7"]
    gateway_certificate_days = 90
    [api]
    address = ""
    port = 0
    """
}
