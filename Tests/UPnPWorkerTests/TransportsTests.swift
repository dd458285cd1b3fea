import Testing

@testable import MediaProtocol
@testable import UPnPWorker

/// Transports with one renderer, and what they told.
private final class Watch {
  let stage: Stage
  let device: FakeDevice
  private(set) var told: [TransportState] = []
  private(set) var uris: [String?] = []
  private(set) var unreachable = 0
  private(set) var refused: [String] = []
  private(set) var asked = 0
  var state: TransportState? = .stopped
  private var transports: Transports?

  init(_ stage: Stage, _ device: FakeDevice) {
    self.stage = stage
    self.device = device
    transports = Transports(loop: stage.loop, client: stage.client) { [unowned self] _, state, uri in
      told.append(state)
      uris.append(uri)
    } unreachable: { [unowned self] _ in
      unreachable += 1
    } refused: { [unowned self] in
      refused.append("\($0): \($1)")
    } ask: { [unowned self] _, done in
      asked += 1
      done(state)
    }
    transports?.callback = "127.0.0.1:7000"
    transports?.begin(found(device))
  }

  func play() {
    transports?.plays(UDN("tv"))
    transports?.played(UDN("tv"))
  }
  func plays(answering body: () -> Void) {
    transports?.plays(UDN("tv"))
    body()
    transports?.played(UDN("tv"))
  }
  func end() { transports?.end(UDN("tv")) }
  func begin(_ device: FoundDevice) { transports?.begin(device) }
  func expects(_ address: IPAddress) -> Bool { transports?.expects(address) ?? false }

  /// The path that the device was given to send its events to.
  var path: String {
    let callback = device.requests.last { $0.head.value("callback") != nil }?.head.value("callback") ?? ""
    return callback.components(between: "<http://127.0.0.1:7000", and: ">")
  }

  /// What the device is told about an event of its.
  func event(_ state: String, uri: String? = nil, sid: String = "uuid:1", from address: IPAddress = Stage.device, path: String? = nil, method: String = "NOTIFY") -> Int {
    let inner = "<Event><InstanceID val=\"0\"><TransportState val=\"\(state)\"/>\(uri.map { "<AVTransportURI val=\"\($0)\"/>" } ?? "")</InstanceID></Event>"
    return raw("<e:propertyset xmlns:e=\"x\"><e:property><LastChange>\(inner.xmlEscaped)</LastChange></e:property></e:propertyset>", sid: sid, from: address, path: path, method: method)
  }

  func raw(_ body: String, sid: String = "uuid:1", from address: IPAddress = Stage.device, path: String? = nil, method: String = "NOTIFY") -> Int {
    guard let head = try? HTTPHead(Array("\(method) \(path ?? self.path) HTTP/1.1\r\nSID: \(sid)\r\n".utf8)) else { return 0 }
    return transports?.take(HTTPMessage(head: head, body: Array(body.utf8)), from: address) ?? 0
  }
}

private func granted(_ seconds: String = "Second-300", sid: String = "uuid:1") -> FakeDevice.Answer { answer("", "SID: \(sid)\r\nTIMEOUT: \(seconds)\r\n") }

@Suite struct TransportsTests {
  @Test func aRendererIsSubscribedToAndItsEventsAreTold() throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in granted() })
    stage.pass(.seconds(1))
    let head = try #require(watch.device.requests.first?.head)
    #expect(head.firstLine == "SUBSCRIBE /event HTTP/1.1" && head.value("nt") == "upnp:event" && head.value("timeout") == "Second-300")
    #expect(watch.path.utf8.count > 20)
    #expect(watch.event("PLAYING", uri: "u") == 200)
    #expect(watch.event("PLAYING") == 200)
    #expect(watch.event("STOPPED") == 200)
    #expect(watch.told == [.playing, .stopped] && watch.uris == ["u", nil])
  }

  @Test func anEventThatComesBeforeTheAnswerCounts() throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in .silence })
    stage.pass(.milliseconds(100))
    #expect(watch.event("PLAYING", sid: "uuid:early") == 200)
    #expect(watch.told == [.playing])
  }

  @Test func eventsCountOnlyFromTheDeviceWithItsSIDAtItsPath() throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in granted() })
    stage.pass(.seconds(1))
    #expect(watch.event("PLAYING", sid: "uuid:2") == 412)
    #expect(watch.event("PLAYING", from: IPAddress(127, 0, 0, 66)) == 412)
    #expect(watch.event("PLAYING", path: "/e/guessed") == 412)
    #expect(watch.event("PLAYING", path: "/") == 412)
    #expect(watch.event("PLAYING", method: "POST") == 405)
    #expect(watch.raw("", sid: String(repeating: "x", count: 300)) == 412)
    #expect(watch.told.isEmpty)
    #expect(watch.expects(Stage.device) && !watch.expects(IPAddress(127, 0, 0, 66)))
  }

  @Test(arguments: ["", "nonsense", "<a", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<e:propertyset xmlns:e=\"x\"><e:property><LastChange>&lt;Event</LastChange></e:property></e:propertyset>"])
  func anEventThatIsNoneIsRefusedAndTold(_ body: String) throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in granted() })
    stage.pass(.seconds(1))
    #expect(watch.raw(body) == 400)
    #expect(watch.refused.count == 1 && watch.told.isEmpty)
    #expect(watch.event("PLAYING") == 200)
  }

  @Test(arguments: ["<a/>", "<propertyset><property><Volume>3</Volume></property></propertyset>", "<propertyset><property><LastChange>&lt;Event/&gt;</LastChange></property></propertyset>"])
  func anEventAboutSomethingElseIsTakenAndMeansNothing(_ body: String) throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in granted() })
    stage.pass(.seconds(1))
    #expect(watch.raw(body) == 200 && watch.told.isEmpty && watch.refused.isEmpty)
  }

  // MARK: Renewal

  @Test(arguments: [("Second-300", 150), ("Second-30", 15), ("Second-1", 5), ("infinite", 150), ("Second-99999999", 1800), ("nonsense", 150)])
  func aSubscriptionIsRenewedAfterHalfItsTime(_ text: String, _ half: Int) throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in granted(text) })
    stage.pass(.seconds(half) - .milliseconds(500))
    #expect(watch.device.requests.count == 1)
    stage.pass(.seconds(1))
    #expect(watch.device.requests.count == 2)
    let renewal = try #require(watch.device.requests.last?.head)
    #expect(renewal.value("sid") == "uuid:1" && renewal.value("callback") == nil && renewal.value("nt") == nil)
  }

  @Test func aRendererThatForgotUsIsSubscribedToAnew() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { $0.head.value("sid") == nil ? granted() : answer("", status: "412 Precondition Failed") }
    let watch = Watch(stage, device)
    device.respond = { $0.head.value("sid") == nil ? granted(sid: device.requests.count > 1 ? "uuid:2" : "uuid:1") : answer("", status: "412 Precondition Failed") }
    stage.pass(.seconds(151))
    #expect(device.requests.map { $0.head.value("sid") == nil } == [true, false, true])
    #expect(watch.event("PLAYING", sid: "uuid:2") == 200 && watch.event("STOPPED", sid: "uuid:1") == 412)
    #expect(watch.refused.isEmpty)
  }

  @Test func aRendererThatDoesNotAnswerARenewalIsSuspected() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in granted() }
    let watch = Watch(stage, device)
    stage.pass(.seconds(149))
    #expect(watch.unreachable == 0)
    device.respond = { _ in .silence }
    stage.pass(.seconds(4))
    #expect(watch.unreachable == 1)
  }

  @Test(arguments: [answer("", status: "501 Not Implemented"), answer("", "SID: \(String(repeating: "x", count: 300))\r\n"), answer("")])
  func aRendererWithoutEventsIsAskedAgainEveryMinute(_ no: FakeDevice.Answer) throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in no }
    let watch = Watch(stage, device)
    stage.pass(.seconds(150))
    #expect(device.requests.count == 3 && watch.unreachable == 0)
    #expect(watch.refused.count == 3)
  }

  @Test func aDeviceThatIsGoneIsLeftAlone() throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in granted() })
    stage.pass(.seconds(1))
    let path = watch.path
    watch.end()
    #expect(watch.event("PLAYING", path: path) == 412 && !watch.expects(Stage.device))
    watch.play()
    stage.pass(.seconds(3600))
    #expect(watch.device.requests.count == 1 && watch.asked == 0)
  }

  @Test func aServerIsNotSubscribedTo() throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in granted() })
    watch.begin(found(watch.device, role: .server))
    stage.pass(.seconds(600))
    #expect(watch.device.requests.count <= 1)
    #expect(!watch.expects(Stage.device))
  }

  // MARK: Asking

  @Test func aRendererThatSendsNoEventsIsAskedUntilItStops() throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in answer("", status: "501 No") })
    stage.pass(.seconds(1))
    watch.play()
    stage.pass(.seconds(3))
    watch.state = .playing
    stage.pass(.seconds(10))
    watch.state = .stopped
    stage.pass(.seconds(10))
    #expect(watch.told == [.stopped, .playing, .stopped])
    let asked = watch.asked
    #expect((12...16).contains(asked))
    stage.pass(.seconds(100))
    #expect(watch.asked == asked)
  }

  @Test func aRendererWhoseEventsComeIsNotAsked() throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in granted() })
    stage.pass(.seconds(1))
    watch.play()
    stage.pass(.seconds(1))
    _ = watch.event("PLAYING")
    stage.pass(.seconds(100))
    #expect(watch.asked == 0)
  }

  @Test func anEventBeforeTheAnswerToPlayIsEnough() throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in granted() })
    stage.pass(.seconds(1))
    watch.plays { _ = watch.event("PLAYING") }
    stage.pass(.seconds(100))
    #expect(watch.asked == 0)
  }

  @Test func aRendererThatDoesNotAnswerIsAskedFiveTimes() throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in granted() })
    watch.state = nil
    stage.pass(.seconds(1))
    watch.play()
    stage.pass(.seconds(100))
    #expect(watch.asked == Transports.mostFailures && watch.told.isEmpty)
  }

  @Test func eventsThatComeAfterAllEndTheAsking() throws {
    let stage = Stage()
    let watch = Watch(stage, try FakeDevice(stage) { _ in granted() })
    stage.pass(.seconds(1))
    watch.play()
    watch.state = .playing
    stage.pass(.seconds(10))
    #expect(watch.asked > 3)
    _ = watch.event("PAUSED_PLAYBACK")
    let asked = watch.asked
    stage.pass(.seconds(100))
    #expect(watch.asked <= asked + 1)
  }
}
