import Testing

@testable import Configuration

@Suite struct GatewayConfigurationTests {
  @Test func anEmptyFileIsAllDefaults() throws {
    let configuration = try GatewayConfiguration(parsing: "", file: "pngw.toml")
    #expect(configuration == GatewayConfiguration())
    #expect(configuration.elements.port == 7421)
    #expect(configuration.state.directory == "/var/lib/pngw")
  }

  @Test func valuesAreTaken() throws {
    let configuration = try GatewayConfiguration(
      parsing: """
        name = "Küche"
        proxy.enabled = false
        [log]
        level = "debug"
        [uplink]
        server = "[2001:db8::1]:7420"
        private_key = "pkcs11:object=gw"
        [admin]
        viewer_group = ""
        """, file: "pngw.toml")
    #expect(configuration.name == "Küche")
    #expect(!configuration.proxy.isEnabled)
    #expect(configuration.log.level == .debug)
    #expect(configuration.uplink.server == "[2001:db8::1]:7420")
    #expect(configuration.admin.viewerGroup.isEmpty)
  }
}
