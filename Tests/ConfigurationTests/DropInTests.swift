import Configuration
import Testing

@Suite struct DropInTests {
  private func parse(_ texts: String...) throws(ConfigurationError) -> GatewayConfiguration {
    try GatewayConfiguration(parsing: texts.enumerated().map { ConfigurationSource(text: $1, file: "\($0).toml") })
  }

  @Test func aLaterFileReplacesWhatAnEarlierOneSaidOfAKeyAndLeavesTheRest() throws {
    let configuration = try parse("name = \"a\"\n[relay]\nport = 1\n[proxy]\ninterfaces = [\"lan0\", \"lan1\"]", "name = \"b\"", "[proxy]\ninterfaces = [\"lan2\"]")
    #expect(configuration.name == "b")
    #expect(configuration.relay.port == 1)
    #expect(configuration.proxy.interfaces == ["lan2"])
  }

  @Test func eachProblemIsToldWithItsFileAndLine() {
    let error = #expect(throws: ConfigurationError.self) { try parse("name = \"a\"\nnam = 1", "[relay]\nport = 70000", "x =") }
    #expect(error?.problems.map { "\($0.file):\($0.line)" } == ["0.toml:2", "1.toml:2", "2.toml:1"])
  }

  @Test func valuesThatDoNotGoTogetherAreBlamedOnTheFileThatSetTheLast() {
    let error = #expect(throws: ConfigurationError.self) { try parse("[elements]\nport = 7000", "\n\n[relay]\nport = 7000", "name = \"x\"") }
    #expect(error?.problems.map { "\($0.file):\($0.line)" } == ["1.toml:4"])
  }

  @Test func aDropInMayMendAConflict() throws {
    #expect(try parse("[elements]\nport = 7000\n[relay]\nport = 7000", "relay.port = 7001").relay.port == 7001)
  }
}

@Suite struct ChangeTests {
  private func parse(_ text: String) throws -> GatewayConfiguration { try GatewayConfiguration(parsing: text, file: "a") }

  @Test func changesAreToldInTheOrderOfTheKeysWithTheirEffect() throws {
    let changes = GatewayConfiguration().changes(to: try parse("uplink.server = \"a:1\"\nlog.level = \"debug\"\nrelay.port = 9"))
    #expect(changes.map(\.path) == ["log.level", "uplink.server", "relay.port"])
    #expect(changes.map(\.isLive) == [true, true, false])
    #expect(changes[1].before == "\"\"" && changes[1].after == "\"a:1\"")
    #expect(GatewayConfiguration().changes(to: GatewayConfiguration()).isEmpty)
  }

  @Test func aPINIsNotShown() throws {
    let changes = GatewayConfiguration().changes(to: try parse("uplink.private_key = \"pkcs11:token=gw;pin-value=1234\""))
    #expect(changes.map(\.after) == ["\"pkcs11:…\""])
    #expect(GatewayConfiguration().changes(to: try parse("uplink.private_key = \"/etc/key.pem\"")).map(\.after) == ["\"/etc/key.pem\""])
  }

  @Test func onlyWhatAReloadIsEnoughForIsTaken() throws {
    let taken = GatewayConfiguration().taking(liveValuesOf: try parse("uplink.server = \"a:1\"\nlog.level = \"debug\"\nrelay.port = 9"))
    #expect(taken.uplink.server == "a:1" && taken.log.level == .debug)
    #expect(taken.relay.port == GatewayConfiguration().relay.port)
  }
}
