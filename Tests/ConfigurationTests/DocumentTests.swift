import Configuration
import Testing

/// The sample files and the manual pages say what the tables of keys say.
@Suite struct DocumentTests {
  @Test func theGatewaysSampleFileShowsEveryKeyWithItsDefault() throws {
    try check(GatewayConfiguration.self, "etc/pngw.toml", "pngw.toml: what pngwd(8) is told. See pngw.toml(5).")
  }

  @Test func theServersSampleFileShowsEveryKeyWithItsDefault() throws {
    try check(ServerConfiguration.self, "etc/cpnsd.toml", "cpnsd.toml: what cpnsd(8) is told. See cpnsd.toml(5).")
  }

  @Test func theGatewaysManualPageExplainsEveryKey() throws { try check(GatewayConfiguration.self, "packaging/man/pngw.toml.5") }
  @Test func theServersManualPageExplainsEveryKey() throws { try check(ServerConfiguration.self, "packaging/man/cpnsd.toml.5") }

  private func check<File: ConfigurationFile & Equatable>(_ type: File.Type, _ path: String, _ title: String) throws {
    let expected = SampleFile.text(of: type, title: title)
    if Repository.isToBeRenewed { try Repository.write(expected, to: path) }
    let text = try Repository.text(path)
    #expect(text == expected, "PNGW_RENEW=1 swift test --filter ConfigurationTests writes it anew")
    #expect(try File(parsing: text, file: path) == File())
    let uncommented = SampleFile.uncommented(text)
    for key in File.keys { #expect(uncommented.contains("\n\(key.name) = ")) }
    #expect(try File(parsing: uncommented, file: path) == File())
  }

  private func check<File: ConfigurationFile>(_ type: File.Type, _ path: String) throws {
    let expected = ManualPage.keys(of: type)
    let (begin, end) = (".Sh KEYS\n", "\n.Sh ")
    var page = try Repository.text(path)
    let start = try #require(page.firstRange(of: begin)).upperBound
    let stop = try #require(page[start...].firstRange(of: end)).lowerBound
    if Repository.isToBeRenewed {
      page.replaceSubrange(start..<stop, with: expected)
      try Repository.write(page, to: path)
    } else {
      #expect(page[start..<stop] == expected, "PNGW_RENEW=1 swift test --filter ConfigurationTests writes it anew")
    }
  }
}
