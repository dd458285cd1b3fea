import Testing

@testable import MediaProtocol
@testable import UPnPWorker

/// A device with all services at one control URL.
func found(_ device: FakeDevice, events: Bool = true, role: MediaDevice.Role = .renderer) -> FoundDevice {
  let kinds: [DescribedService.Kind] = [.avTransport, .connectionManager, .contentDirectory]
  return FoundDevice(
    device: MediaDevice(
      udn: UDN("tv"), role: role, deviceType: "t", friendlyName: "TV", manufacturer: "", modelName: "", address: "\(device.address)", interface: "lo",
      localAddress: "127.0.0.1", sink: [], source: []),
    services: kinds.map {
      DescribedService(
        kind: $0, type: "urn:schemas-upnp-org:service:\($0.rawValue):1", control: device.url("/control"), event: events ? device.url("/event") : nil)
    },
    source: device.address)
}

extension FakeDevice {
  /// The SOAP actions that it was asked for.
  var actions: [String] { requests.compactMap(Self.action) }

  static func action(_ message: HTTPMessage) -> String? {
    message.head.value("soapaction").flatMap { $0.split(separator: "#").last }.map { String($0.dropLast()) }
  }
}

private func perform(_ stage: Stage, _ command: MediaCommand, on device: FakeDevice) throws -> Result<MediaReply, MediaError> {
  let commands = Commands(client: stage.client)
  return try stage.outcome { commands.perform(command, on: found(device), until: stage.loop.now + .milliseconds(4800), $0) }
}

private func didl(_ count: Int, title: String = "t") -> String {
  "<DIDL-Lite xmlns:dc=\"d\">" + (0..<count).map { "<item id=\"\($0)\"><dc:title>\(title)</dc:title></item>" }.joined() + "</DIDL-Lite>"
}

@Suite struct CommandsTests {
  @Test func playSetsTheURIWithItsMetadataAndPlays() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { soap(FakeDevice.action($0) ?? "") }
    #expect(try perform(stage, .play(uri: "http://10.0.0.1/a?b&c", metadata: "<DIDL-Lite/>"), on: device).get() == .done)
    #expect(device.actions == ["GetTransportInfo", "SetAVTransportURI", "Play"])
    let body = String(decoding: device.requests[1].body, as: UTF8.self)
    #expect(body.contains("<CurrentURI>http://10.0.0.1/a?b&amp;c</CurrentURI><CurrentURIMetaData>&lt;DIDL-Lite/&gt;</CurrentURIMetaData>"))
  }

  @Test(arguments: [701, 705])
  func aRendererThatWantsToBeStoppedFirstIsStopped(_ code: Int) throws {
    let stage = Stage()
    var stopped = false
    let device = try FakeDevice(stage) { message in
      let action = FakeDevice.action(message) ?? ""
      if action == "Stop" { stopped = true }
      return action == "SetAVTransportURI" && !stopped ? fault(code) : soap(action)
    }
    #expect(try perform(stage, .play(uri: "u", metadata: ""), on: device).get() == .done)
    #expect(device.actions == ["GetTransportInfo", "SetAVTransportURI", "Stop", "SetAVTransportURI", "Play"])
  }

  @Test func aRendererThatAlwaysRefusesIsAskedTwiceAndNoMore() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { FakeDevice.action($0) == "Stop" ? soap("Stop") : fault(701, "busy") }
    #expect(try perform(stage, .play(uri: "u", metadata: ""), on: device) == .failure(.fault(code: 701, text: "busy")))
    #expect(device.actions == ["GetTransportInfo", "SetAVTransportURI", "Stop", "SetAVTransportURI"])
  }

  @Test(arguments: ["PLAYING", "TRANSITIONING", "PAUSED_PLAYBACK"])
  func aRendererThatPlaysIsStoppedBeforeItGetsSomethingNew(_ state: String) throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { message in
      switch FakeDevice.action(message) {
      case "GetTransportInfo": soap("GetTransportInfo", [("CurrentTransportState", state)])
      // Whether it says yes to that or not.
      case "Stop": fault(501)
      case let action: soap(action ?? "")
      }
    }
    #expect(try perform(stage, .play(uri: "u", metadata: ""), on: device).get() == .done)
    #expect(device.actions == ["GetTransportInfo", "Stop", "SetAVTransportURI", "Play"])
  }

  @Test func aFaultIsToldWithItsCodeAndText() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in fault(714, "illegal MIME type") }
    #expect(try perform(stage, .play(uri: "u", metadata: ""), on: device) == .failure(.fault(code: 714, text: "illegal MIME type")))
  }

  @Test func stateAndPositionAreRead() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { message in
      FakeDevice.action(message) == "GetTransportInfo"
        ? soap("GetTransportInfo", [("CurrentTransportState", "PLAYING")])
        : soap("GetPositionInfo", [("TrackURI", "u"), ("RelTime", "0:01:05"), ("TrackDuration", "NOT_IMPLEMENTED")])
    }
    #expect(try perform(stage, .transportInfo, on: device).get() == .transport(.playing))
    #expect(try perform(stage, .positionInfo, on: device).get() == .position(uri: "u", relativeSeconds: 65, durationSeconds: nil))
  }

  @Test func aDeviceWithoutTheServiceSaysSo() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in .silence }
    var bare = found(device)
    bare.services = []
    let commands = Commands(client: stage.client)
    let result = try stage.outcome { commands.perform(.stop, on: bare, until: stage.loop.now + .seconds(5), $0) }
    guard case .failure(.fault(401, _)) = result else { Issue.record("\(result)"); return }
    #expect(device.requests.isEmpty)
  }

  // MARK: Browsing

  @Test func aPageIsReadWithItsTotal() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in soap("Browse", [("Result", didl(2)), ("NumberReturned", "2"), ("TotalMatches", "61")]) }
    guard case .objects(let objects, let total) = try perform(stage, .browse(container: "0", start: 0, count: 50), on: device).get() else { Issue.record(); return }
    #expect(objects.map(\.id) == ["0", "1"] && total == 61)
  }

  @Test func aPageThatIsTooLargeIsAskedForInHalves() throws {
    let stage = Stage()
    var counts: [Int] = []
    let device = try FakeDevice(stage) { message in
      let body = String(decoding: message.body, as: UTF8.self)
      let count = Int(body.components(between: "<RequestedCount>", and: "</RequestedCount>")) ?? 0
      counts.append(count)
      return soap("Browse", [("Result", didl(count, title: String(repeating: "x", count: 4000))), ("TotalMatches", "100")])
    }
    guard case .objects(let objects, 100) = try perform(stage, .browse(container: "0", start: 0, count: 100), on: device).get() else { Issue.record(); return }
    #expect(counts == [50, 25, 12] && objects.count == 12)
  }

  @Test func anObjectThatIsTooLargeAloneIsMalformed() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in soap("Browse", [("Result", didl(1, title: String(repeating: "x", count: 90_000)))]) }
    guard case .failure(.malformed) = try perform(stage, .browse(container: "0", start: 0, count: 50), on: device) else { Issue.record(); return }
    #expect(device.requests.count == 6)
  }

  @Test(arguments: ["", "<a/>", "<DIDL-Lite>", "<!DOCTYPE a><DIDL-Lite/>"])
  func aListingThatIsNoneIsMalformed(_ listing: String) throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in soap("Browse", [("Result", listing)]) }
    guard case .failure(.malformed) = try perform(stage, .metadata(object: "1"), on: device) else { Issue.record(); return }
  }

  @Test func numbersFromOutsideAreHeldWithinTheirBounds() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in soap("Browse", [("Result", didl(0)), ("TotalMatches", "-99999999999999999999999")]) }
    #expect(try perform(stage, .browse(container: "0", start: -5, count: .max), on: device).get() == .objects([], total: 0))
    let body = String(decoding: device.requests[0].body, as: UTF8.self)
    #expect(body.contains("<StartingIndex>0<") && body.contains("<RequestedCount>50<"))
  }

  // MARK: Answers that are wrong

  @Test(arguments: [
    answer("<s:Envelope", status: "200 OK"), answer("not xml"), answer("<Envelope><Body/></Envelope>"), answer("<Envelope><Body><OtherResponse/></Body></Envelope>"),
    answer("", status: "404 Not Found"), answer("", status: "307 Temporary Redirect", "Location: http://127.0.0.10/\r\n"), .bytes(Array("nonsense\r\n\r\n".utf8)),
    .endless("HTTP/1.1 200 OK\r\n\r\n", [UInt8](repeating: 32, count: 65_536)), .endless("HTTP/1.1 200 OK\r\n", Array("A: b\r\n".utf8)),
    answer("<!DOCTYPE a [<!ENTITY b \"c\">]><Envelope>&b;</Envelope>"), .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".utf8)),
    .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n".utf8) + [0xFF, 0xFE, 0x00]),
  ])
  func anAnswerThatIsNoneIsMalformedAndSaidWhy(_ bad: FakeDevice.Answer) throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in bad }
    guard case .failure(.malformed(let why)) = try perform(stage, .transportInfo, on: device) else { Issue.record("not malformed"); return }
    #expect(why.contains("the answer to GetTransportInfo"), "\(why)")
    #expect(device.requests.count == 1 && stage.elapsed < .seconds(1))
  }

  @Test(arguments: [FakeDevice.Answer.silence, .drip([UInt8](repeating: 65, count: 100), .seconds(1))])
  func aDeviceThatDoesNotAnswerIsGivenItsTimeInAll(_ slow: FakeDevice.Answer) throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { message in
      let action = FakeDevice.action(message) ?? ""
      return action == "SetAVTransportURI" ? slow : soap(action)
    }
    guard case .failure(.unreachable) = try perform(stage, .play(uri: "u", metadata: ""), on: device) else { Issue.record(); return }
    #expect(stage.elapsed == .milliseconds(4800))
  }

  @Test func aPortWhereNobodyListensIsUnreachableAtOnce() throws {
    let stage = Stage()
    var device: FakeDevice? = try FakeDevice(stage) { _ in .silence }
    let known = found(try #require(device))
    device = nil
    let commands = Commands(client: stage.client)
    let result = try stage.outcome { commands.perform(.stop, on: known, until: stage.loop.now + .seconds(5), $0) }
    guard case .failure(.unreachable) = result else { Issue.record("\(result)"); return }
    #expect(stage.elapsed < .seconds(1))
  }
}

extension String {
  /// The text between two marks; empty when they are not there.
  func components(between first: String, and second: String) -> String {
    guard let begin = firstRange(of: first), let end = self[begin.upperBound...].firstRange(of: second) else { return "" }
    return String(self[begin.upperBound..<end.lowerBound])
  }
}
