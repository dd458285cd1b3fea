import Testing

@testable import Configuration

@Suite struct RefusalTests {
  @Test func anUnknownKeyIsToldWithItsLineAndTheNearestKnownOne() {
    #expect(problems("[elements]\n\nprot = 1") == ["pngw.toml:3: unknown key \"elements.prot\": did you mean \"elements.port\"?"])
    #expect(problems("[element]\nport = 1") == ["pngw.toml:1: unknown table [element]: did you mean [elements]?"])
    #expect(problems("nmae = 1") == ["pngw.toml:1: unknown key \"nmae\": did you mean \"name\"?"])
  }

  @Test func aKeyInTheWrongTableIsToldWhereItBelongs() {
    #expect(problems("[log]\nviewer_group = \"x\"") == ["pngw.toml:2: unknown key \"log.viewer_group\": did you mean \"admin.viewer_group\"?"])
  }

  @Test func anUnknownTableIsToldOnceWhateverIsInIt() {
    #expect(
      problems("[quorum]\na = 1\nb = 2") == [
        "pngw.toml:1: unknown table [quorum]: expected one of name, [admin], [elements], [log], [mdns], [metrics], [proxy], [relay], [state], [uplink]"
      ])
  }

  @Test func aWordLikeNoneIsToldWhatThereIs() {
    #expect(problems("[mdns]\nquorum_of_the_hive = 3") == ["pngw.toml:2: unknown key \"mdns.quorum_of_the_hive\": expected one of enabled"])
  }

  @Test func aBadValueIsToldWithWhatWouldBeRight() {
    #expect(
      problems("# ports\n[elements]\nport = 65536") == [
        "pngw.toml:3: elements.port is 65536: expected a whole number from 0 to 65535 (TCP port where PNEs connect; 0: any free one)"
      ])
  }

  @Test(arguments: [
    "elements.port = -1", "elements.port = \"7421\"", "elements.port = 7421.0", "elements.port = true", "elements.port = 0xFFFFF",
    "elements.address = \"localhost\"", "elements.address = \"fe80::1%eth0\"", "elements.address = \"127.1\"", "elements.address = \"1.2.3.4 \"",
    "name = \"\"", "name = \"a\\nb\"", "name = 7", "log.level = \"INFO\"", "log.level = \"verbose\"",
    "state.directory = \"var/lib\"", "state.directory = \"\"", "state.content_quota_mib = 0",
    "uplink.server = \"example.com\"", "uplink.server = \"example.com:\"", "uplink.server = \":7420\"", "uplink.server = \"example.com:0\"",
    "uplink.server = \"example.com:65536\"", "uplink.server = \"2001:db8::1:7420\"", "uplink.server = \"[192.0.2.1]:7420\"",
    "uplink.server = \"192.0.2.300:7420\"", "uplink.server = \"https://example.com:7420\"", "uplink.server = \"-a:7420\"",
    "uplink.private_key = \"key.pem\"", "uplink.private_key = \":x\"", "uplink.certificate = \"pkcs11:x\"",
    "uplink.keep_alive_seconds = 0", "uplink.backoff_limit_seconds = 1e3", "proxy.enabled = \"yes\"", "proxy.enabled = 1",
    "proxy.interfaces = \"eth0\"", "proxy.interfaces = [1]", "proxy.interfaces = [\"eth0\", 1]", "proxy.interfaces = [\"a/b\"]",
    "proxy.interfaces = [\"\"]", "proxy.interfaces = [[\"eth0\"]]", "admin.socket = \"admin.sock\"", "admin.viewer_group = \"two words\"",
    "log = \"info\"", "log = [\"info\"]", "[[log]]\nlevel = \"info\"", "elements.port = 1979-05-27", "elements.port = {}", "\"\" = 1",
  ])
  func isRefused(_ text: String) {
    let problems = problems(text)
    #expect(problems.count == 1 && problems[0].hasPrefix("pngw.toml:1: "), "\(problems)")
    #expect(problems[0].contains("expected"), "\(problems)")
  }

  @Test(arguments: [
    "uplink.server = \"example.com:7420\"", "uplink.server = \"gw-1.example:7420\"", "uplink.server = \"192.0.2.1:1\"",
    "uplink.server = \"\"", "uplink.private_key = \"/a b.pem\"", "uplink.private_key = \"file:/x\"", "proxy.interfaces = [\"eth0.7\", \"br-lan\"]",
    "log = { level = \"error\" }", "elements.port = 0x1D", "\"name\" = 'x'", "elements.address = \"::ffff:1.2.3.4\"",
  ])
  func isTaken(_ text: String) { #expect(problems(text).isEmpty) }

  @Test func aSyntaxErrorHasItsLine() {
    let told = problems("name = \"a\"\n[log]\nlevel = = 3\n")
    #expect(told.count == 1 && told[0].hasPrefix("pngw.toml:3: not TOML: "), "\(told)")
    let twice = problems("name = \"a\"\nname = \"b\"")
    #expect(twice.count == 1 && twice[0].hasPrefix("pngw.toml:2: not TOML: "), "\(twice)")
    #expect(problems("[log\n").count == 1)
    #expect(problems("name = \"\"\"\nnever closed").count == 1)
  }

  @Test func everythingIsToldAtOnceInOrder() {
    let told = problems("name = 1\nzzz = 2\n[log]\nlevel = 3\n[admin]\nsokcet = \"/x\"\n")
    #expect(told.map { $0.split(separator: ":")[1] } == ["1", "2", "4", "6"])
  }

  @Test func twentyProblemsAreToldAndTheRestCounted() {
    let text = (1...50).map { "x\($0) = 1" }.joined(separator: "\n")
    let error = #expect(throws: ConfigurationError.self) { try GatewayConfiguration(parsing: text, file: "f") }
    #expect(error?.problems.map(\.line) == Array(1...20))
    #expect(error?.omitted == 30)
    #expect(error?.description.hasSuffix("\n… and 30 more") == true)
  }

  @Test func aValueThatMayHoldASecretIsNotRepeated() {
    let told = problems("uplink.private_key = \"\\npkcs11:object=gw?pin-value=1234\"")
    #expect(told.count == 1 && !told[0].contains("1234"), "\(told)")
  }

  @Test func whatIsRepeatedIsFitForATerminal() {
    let told = problems("\"a\\u001b[31m\" = 1\nname = \"\(String(repeating: "é", count: 900))\"")
    #expect(told.allSatisfy { $0.count < 300 && !$0.contains("\u{1b}") }, "\(told)")
  }
}
