import Glibc
import MediaProtocol
import Testing

@testable import UPnPWorker

private func find(_ stage: Stage, _ device: FakeDevice, _ path: String = "/d.xml") throws -> Finder.Finding {
  let finder = stage.finder
  return try stage.outcome { finder.find(device.url(path), from: device.address, $0) }
}

/// What came of a description with this text.
private func refusal(of body: String) throws -> String {
  let stage = Stage()
  let device = try FakeDevice(stage) { _ in answer(body) }
  return stage.text(try find(stage, device))
}

@Suite struct FinderTests {
  @Test func aRendererIsFoundWithWhatItTakes() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { message in
      message.head.firstLine.hasPrefix("GET") ? answer(description()) : soap("GetProtocolInfo", [("Source", ""), ("Sink", "http-get:*:audio/mpeg:*,http-get:*:video/mp4:DLNA.ORG_PN=X")])
    }
    let found = try #require(try find(stage, device).get().first)
    #expect(found.device.udn == UDN("tv") && found.device.friendlyName == "Küche" && found.device.address == "127.0.0.9")
    #expect(found.device.sink == ["http-get:*:audio/mpeg:*", "http-get:*:video/mp4:DLNA.ORG_PN=X"] && found.device.source == [])
    #expect(found.service(.avTransport)?.control == device.url("/control") && found.service(.avTransport)?.event == device.url("/event"))
    #expect(found.device.localAddress == "127.0.0.1" && found.device.interface == "lo")
  }

  @Test func aRendererThatCannotSayWhatItTakesTakesNothing() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { $0.head.firstLine.hasPrefix("GET") ? answer(description()) : fault(401) }
    #expect(try find(stage, device).get().first?.device.sink == [])
  }

  @Test func aDeviceWhoseAnswersAreWrongIsNotThere() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { $0.head.firstLine.hasPrefix("GET") ? answer(description()) : answer("<html/>") }
    #expect(stage.text(try find(stage, device)).contains("GetProtocolInfo"))
  }

  // MARK: Bad descriptions

  @Test(arguments: [
    ("<root><device>", "not well-formed"),
    ("", "not well-formed"),
    ("{\"json\": true}", "not well-formed"),
    ("<root><device><UDN>uuid:\u{1}</UDN></device></root>", "not well-formed"),
    ("<html><body/></html>", "no <root><device>"),
    ("<root><device><deviceType>urn:schemas-upnp-org:device:MediaRenderer:1</deviceType></device></root>", "no usable <UDN>"),
    ("<!DOCTYPE root><root><device/></root>", "document type"),
    ("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><root>&b;</root>", "document type"),
    ("<!DOCTYPE x SYSTEM \"http://10.0.0.1/x.dtd\"><root/>", "document type"),
    ("<root>&undefined;</root>", "not well-formed"),
  ])
  func whatIsNoDescriptionIsRefusedAndSaidWhy(_ body: String, _ why: String) throws {
    let text = try refusal(of: body)
    #expect(text.contains(why), "\(text)")
  }

  @Test func deepAndWideDocumentsAreRefused() throws {
    let deep = try refusal(of: String(repeating: "<a>", count: 5000) + String(repeating: "</a>", count: 5000))
    #expect(deep.contains("deeper than 32"), "\(deep)")
    let wide = try refusal(of: "<root>" + String(repeating: "<a/>", count: 5000) + "</root>")
    #expect(wide.contains("4096 elements"), "\(wide)")
    let attributes = try refusal(of: "<root " + (0..<100).map { "a\($0)='x'" }.joined(separator: " ") + "/>")
    #expect(attributes.contains("32 attributes"), "\(attributes)")
  }

  @Test func bytesThatAreNoUTF8AreRefused() throws {
    let stage = Stage()
    let body = Array("<root><device><friendlyName>".utf8) + [0xC3, 0x28, 0xFF] + Array("</friendlyName></device></root>".utf8)
    let device = try FakeDevice(stage) { _ in .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body) }
    #expect(stage.text(try find(stage, device)).contains("not well-formed"))
  }

  @Test(arguments: [
    description(control: "http://10.0.0.77/c"), description(control: "http://127.0.0.1:22/"), description(control: "http://169.254.169.254/latest/meta-data"),
    description(control: "http://[::1]/"), description(control: "https://127.0.0.9/"), description(control: "file:///etc/passwd"), description(control: "//127.0.0.10/x"),
    description(event: "http://127.0.0.10/e"), description(event: "http://255.255.255.255/"), description(base: "<URLBase>http://127.0.0.10:80/</URLBase>"),
    description(base: "<URLBase>http://localhost/</URLBase>"), description(control: "http://user@127.0.0.9/"), description(control: "gopher://127.0.0.9/"),
  ])
  func aDescriptionThatPointsElsewhereIsRefusedAndNobodyElseIsAsked(_ body: String) throws {
    let stage = Stage()
    let neighbour = try FakeDevice(stage, at: IPAddress(127, 0, 0, 10)) { _ in answer("") }
    let device = try FakeDevice(stage) { _ in answer(body) }
    let finding = try find(stage, device)
    #expect(throws: Finder.Refusal.self) { try finding.get() }
    #expect(device.requests.count == 1 && neighbour.requests.isEmpty)
  }

  @Test func aRedirectIsNotFollowed() throws {
    let stage = Stage()
    let neighbour = try FakeDevice(stage, at: IPAddress(127, 0, 0, 10)) { _ in answer(description()) }
    let device = try FakeDevice(stage) { _ in answer("", status: "302 Found", "Location: \(neighbour.url("/d.xml"))\r\n") }
    let text = stage.text(try find(stage, device))
    #expect(text.contains("302") && text.contains("redirects are not followed"))
    #expect(neighbour.requests.isEmpty)
  }

  // MARK: Endless things

  @Test(arguments: ["", "Transfer-Encoding: chunked\r\n", "Content-Length: 99999999999\r\n"])
  func aBodyWithoutEndIsCutOffAtItsBound(_ field: String) throws {
    let stage = Stage()
    let piece = [UInt8](repeating: 32, count: 0x4000)
    let chunk = Array("4000\r\n".utf8) + piece + Array("\r\n".utf8)
    let device = try FakeDevice(stage) { _ in .endless("HTTP/1.1 200 OK\r\n\(field)\r\n", field.hasPrefix("T") ? chunk : piece) }
    let text = stage.text(try find(stage, device))
    #expect(text.contains("more than 65536 bytes"), "\(text)")
    #expect(stage.elapsed < .seconds(1))
    // What was not read lies in the sockets' buffers.
    #expect(device.sent < 16 << 20)
  }

  @Test func aHeadWithoutEndIsCutOff() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in .endless("HTTP/1.1 200 OK\r\n", Array("X-A: b\r\n".utf8)) }
    #expect(stage.text(try find(stage, device)).contains("head of more than 8192 bytes"))
  }

  @Test func aDeviceThatDripsIsGivenTwoSecondsInAll() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in .drip(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<root/>  ".utf8), .milliseconds(500)) }
    #expect(stage.text(try find(stage, device)) == "it did not answer in time")
    #expect(stage.elapsed == .seconds(2))
  }

  @Test func aSilentDeviceHoldsUpNobodyElse() throws {
    let stage = Stage()
    let silent = try FakeDevice(stage) { _ in .silence }
    let good = try FakeDevice(stage, at: IPAddress(127, 0, 0, 10)) { $0.head.firstLine.hasPrefix("GET") ? answer(description()) : soap("GetProtocolInfo") }
    let finder = stage.finder
    for number in 0..<100 { finder.find(silent.url("/\(number)"), from: silent.address) { _ in } }
    let finding = try stage.outcome { finder.find(good.url("/d.xml"), from: good.address, $0) }
    #expect(try finding.get().count == 1)
    #expect(stage.elapsed < .seconds(2))
  }

  @Test func aProbeIsAnsweredByAnyDescriptionAndByNothingElse() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { $0.head.firstLine.contains("/yes") ? answer("x") : .silence }
    let finder = stage.finder
    #expect(try stage.outcome { finder.probe(device.url("/yes"), $0) })
    #expect(try !stage.outcome { finder.probe(device.url("/no"), $0) })
    #expect(stage.elapsed == .seconds(2))
    #expect(try !stage.outcome { finder.probe(LANURL(host: Stage.device, port: 9, path: "/"), $0) })
  }

  @Test func theWorstDocumentOfItsSizeCostsLittle() throws {
    let limit = XMLLimits.description.bytes
    let worst = [
      "<root>" + String(repeating: "<a/>", count: 4090) + String(repeating: "&lt;", count: 12_000) + "</root>",
      "<root>" + String(repeating: "&amp;", count: 13_000) + "</root>", "<root>" + String(repeating: "\n", count: 65_000) + "</root>",
      String(repeating: "<a b='&amp;&amp;&amp;' c='d'>", count: 32) + String(repeating: "x\r\n", count: 20_000) + String(repeating: "</a>", count: 32),
      "<root " + String(repeating: "x", count: 65_000) + "='y'/>",
    ]
    for text in worst {
      #expect(text.utf8.count <= limit)
      let before = cpuMilliseconds()
      _ = try? parseXML(Array(text.utf8), limits: .description)
      // 10 ms are the bar for the optimised build; this one is 5 to 10 times slower.
      #expect(cpuMilliseconds() - before < 150)
    }
  }
}

private func cpuMilliseconds() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}
