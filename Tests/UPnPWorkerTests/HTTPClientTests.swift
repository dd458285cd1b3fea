import MediaProtocol
import Testing

@testable import UPnPWorker

private func get(_ url: LANURL, lane: HTTPRequest.Lane = .discovery, seconds: Int = 2) -> HTTPRequest {
  HTTPRequest(method: "GET", url: url, bodyLimit: 1000, lane: lane, limit: .within(.seconds(seconds)))
}

@Suite struct HTTPClientTests {
  @Test func aRequestSaysWhoAsksAndClosesItsConnection() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in answer("hello") }
    let client = stage.client
    let message = try stage.outcome { client.send(get(device.url("/a?b")), $0) }.get()
    #expect(message.body == Array("hello".utf8))
    let head = try #require(device.requests.first?.head)
    #expect(head.firstLine == "GET /a?b HTTP/1.1" && head.value("host") == "127.0.0.9:\(device.port)" && head.value("connection") == "close")
  }

  @Test func oneDeviceGetsOneRequestAtATimeAndFourDevicesAreAskedAtOnce() throws {
    let stage = Stage()
    let devices = try (20..<26).map { number in try FakeDevice(stage, at: IPAddress(127, 0, 0, number)) { _ in .silence } }
    let client = stage.client
    var timedOut = 0
    let total = devices.count * 3
    _ = try stage.outcome { (done: @escaping (Bool) -> Void) in
      for device in devices {
        for _ in 0..<3 {
          client.send(get(device.url("/"))) { _ in
            timedOut += 1
            if timedOut == total { done(true) }
          }
        }
      }
      stage.loop.after(.seconds(1)) {
        #expect(devices.count { $0.open == 1 } == 4 && devices.allSatisfy { $0.open <= 1 })
      }
    }
    #expect(devices.allSatisfy { $0.requests.count == 3 })
    // 18 requests of 2 s, four at once.
    #expect(stage.elapsed <= .seconds(12))
  }

  @Test func whatWeDoByOurselvesDoesNotHoldUpACommand() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { $0.head.firstLine.contains("/slow") ? .silence : answer("") }
    let client = stage.client
    for _ in 0..<50 { client.send(get(device.url("/slow"))) { _ in } }
    #expect(try stage.outcome { client.send(get(device.url("/quick"), lane: .command), $0) }.get().head.status == 200)
    #expect(stage.elapsed < .seconds(1))
  }

  @Test func beyondItsBoundARequestIsRefusedAtOnceAndTheOthersGoOn() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in .silence }
    let client = stage.client
    for _ in 0...HTTPClient.mostWaitingCommands { client.send(get(device.url("/"), lane: .command)) { _ in } }
    let refused = try stage.outcome { client.send(get(device.url("/"), lane: .command), $0) }
    #expect(refused == .failure(.busy) && stage.elapsed < .seconds(1))
    device.respond = { _ in answer("") }
    let later = try stage.outcome { client.send(get(device.url("/"), lane: .discovery), $0) }
    #expect(try later.get().head.status == 200)
  }

  @Test func aConnectionThatIsCutIsSaidToBe() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in .bytes(Array("HTTP/1.1 200".utf8)) }
    let client = stage.client
    #expect(try stage.outcome { client.send(get(device.url("/")), $0) } == .failure(.refused(.cut)))
  }

  @Test func aDeadlineThatIsOverIsOver() throws {
    let stage = Stage()
    let device = try FakeDevice(stage) { _ in answer("") }
    let client = stage.client
    let late = HTTPRequest(method: "GET", url: device.url("/"), bodyLimit: 10, lane: .command, limit: .until(stage.loop.now))
    #expect(try stage.outcome { client.send(late, $0) } == .failure(.timedOut))
    #expect(device.requests.isEmpty)
  }
}

@Suite struct EventLoopTests {
  @Test func timersFireInTheOrderOfTheirTimesAndCancelledOnesDoNot() {
    let stage = Stage()
    var fired: [Int] = []
    stage.loop.after(.seconds(3)) { fired.append(3) }
    stage.loop.after(.seconds(1)) { fired.append(1) }
    let cancelled = stage.loop.after(.seconds(2)) { fired.append(2) }
    stage.loop.cancel(cancelled)
    stage.loop.cancel(nil)
    stage.pass(.seconds(5))
    #expect(fired == [1, 3])
  }

  @Test func whoStopsFirstSaysHowItEnds() {
    let loop = EventLoop()
    loop.after(.zero) {
      loop.stop(3)
      loop.stop(4)
    }
    #expect(loop.run() == 3)
  }
}
