import Glibc
import MediaProtocol
import Testing

@testable import UPnPWorker

/// Sends bytes to a port of ours from a loopback address, and collects what comes back.
private final class Sender {
  private(set) var received: [UInt8] = []
  private(set) var isClosed = false
  private let loop: EventLoop
  let descriptor: Int32

  init(_ stage: Stage, to port: UInt16, from address: IPAddress = Stage.device, _ bytes: [UInt8]) throws {
    loop = stage.loop
    descriptor = try Socket.connect(to: Stage.ours, port: port, from: address, interface: nil)
    loop.whenWritable(descriptor) { [self] in
      _ = Socket.send(descriptor, bytes[...])
      loop.whenReadable(descriptor) { [self] in read() }
    }
  }

  private func read() {
    switch Socket.receive(descriptor, atMost: 4096) {
    case .bytes(let bytes, _): received += bytes
    case .wouldBlock: break
    case .ended, .failed:
      isClosed = true
      loop.forget(descriptor)
      close(descriptor)
    }
  }

  var status: Int? { (try? HTTPHead(received)).flatMap(\.status) }
}

private func notify(_ body: String = "x", path: String = "/e/1", sid: String = "uuid:s") -> [UInt8] {
  Array("NOTIFY \(path) HTTP/1.1\r\nHOST: a\r\nNT: upnp:event\r\nNTS: upnp:propchange\r\nSID: \(sid)\r\nSEQ: 0\r\nCONTENT-LENGTH: \(body.utf8.count)\r\n\r\n\(body)".utf8)
}

@Suite struct EventListenerTests {
  private func listener(_ stage: Stage, _ handler: @escaping EventListener.Handler = { _, _ in 200 }) throws -> EventListener {
    try EventListener(loop: stage.loop, local: Stage.ours, interface: nil, admits: { $0 == Stage.device }, handler: handler)
  }

  @Test func anEventOfADeviceIsTakenAndAnswered() throws {
    let stage = Stage()
    var bodies: [String] = []
    let listener = try listener(stage) { message, from in
      bodies.append(String(decoding: message.body, as: UTF8.self))
      return from == Stage.device ? 200 : 500
    }
    let sender = try Sender(stage, to: listener.port, notify("hello"))
    stage.pass(.seconds(1))
    #expect(bodies == ["hello"] && sender.status == 200 && sender.isClosed)
  }

  @Test func whoIsNotExpectedIsCutOffUnheard() throws {
    let stage = Stage()
    var heard = 0
    let listener = try listener(stage) { _, _ in
      heard += 1
      return 200
    }
    let stranger = try Sender(stage, to: listener.port, from: IPAddress(127, 0, 0, 66), notify())
    stage.pass(.seconds(1))
    #expect(heard == 0 && stranger.isClosed && stranger.received.isEmpty)
  }

  @Test func aBodyBeyondItsBoundIsRefusedBeforeItIsRead() throws {
    let stage = Stage()
    let listener = try listener(stage)
    let sender = try Sender(stage, to: listener.port, Array("NOTIFY /e/1 HTTP/1.1\r\nCONTENT-LENGTH: 65537\r\n\r\n".utf8))
    stage.pass(.milliseconds(100))
    #expect(sender.status == 400 && sender.isClosed)
  }

  @Test(arguments: ["nonsense\r\n\r\n", "NOTIFY\r\n\r\n", "\r\n\r\n", "NOTIFY / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "NOTIFY / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"])
  func whatIsNoRequestIsRefused(_ text: String) throws {
    let stage = Stage()
    let listener = try listener(stage)
    let sender = try Sender(stage, to: listener.port, Array(text.utf8))
    stage.pass(.milliseconds(100))
    #expect(sender.status == 400)
  }

  @Test func slowConnectionsAreCutAndOthersGoOnMeanwhile() throws {
    let stage = Stage()
    var heard = 0
    let listener = try EventListener(loop: stage.loop, local: Stage.ours, interface: nil, admits: { _ in true }) { _, _ in
      heard += 1
      return 200
    }
    let slow = try (0..<20).map { _ in try Sender(stage, to: listener.port, Array("NOTIFY /e".utf8)) }
    stage.pass(.milliseconds(500))
    // Beyond its four, an address gets nothing; another address does.
    #expect(slow.count { $0.isClosed } == 16)
    let other = try Sender(stage, to: listener.port, from: IPAddress(127, 0, 0, 10), notify())
    stage.pass(.milliseconds(500))
    #expect(other.status == 200 && heard == 1)
    stage.pass(.seconds(2))
    #expect(slow.allSatisfy { $0.isClosed })
    let again = try Sender(stage, to: listener.port, notify())
    stage.pass(.milliseconds(500))
    #expect(again.status == 200)
  }

  @Test func fiveHundredConnectionsFromEverywhereCostAFewDescriptors() throws {
    let stage = Stage()
    let listener = try EventListener(loop: stage.loop, local: Stage.ours, interface: nil, admits: { _ in true }) { _, _ in 200 }
    var strangers: [Sender] = []
    for number in 0..<500 {
      strangers.append(try Sender(stage, to: listener.port, from: IPAddress(127, 0, 1, UInt8(number % 250 + 1)), Array("N".utf8)))
      // More than lie in the listener's queue would come again only after seconds.
      if number % 50 == 49 { stage.pass(.milliseconds(50)) }
    }
    #expect(strangers.count { !$0.isClosed } <= EventListener.mostConnections)
    stage.pass(.seconds(5))
    let device = try Sender(stage, to: listener.port, notify())
    stage.pass(.seconds(1))
    #expect(device.status == 200)
  }
}

@Suite struct SearcherTests {
  @Test func itAsksForBothKindsOftenAtFirstAndThenSeldom() throws {
    let stage = Stage()
    let group = try Group(stage)
    let searcher = try Searcher(loop: stage.loop, local: Stage.ours, interface: nil, target: (Stage.device, group.port)) { _, _ in }
    searcher.start()
    stage.pass(.seconds(3601))
    #expect(group.times == [0, 400, 1500, 4000, 900_000, 1_800_000, 2_700_000, 3_600_000].flatMap { [$0, $0] })
    #expect(group.asked.allSatisfy { $0.contains("MX: 1\r\n") && $0.contains("MAN: \"ssdp:discover\"") })
    #expect(group.asked.prefix(2).map { $0.contains("MediaRenderer:1") } == [true, false])
    withExtendedLifetime(searcher) {}
  }

  @Test func manyGoodbyesLeadToOneSearchInTwoSeconds() throws {
    let stage = Stage()
    let group = try Group(stage)
    let searcher = try Searcher(loop: stage.loop, local: Stage.ours, interface: nil, target: (Stage.device, group.port)) { _, _ in }
    for _ in 0..<1000 { searcher.searchSoon() }
    stage.pass(.seconds(10))
    #expect(group.times == [2000, 2000])
    searcher.searchSoon()
    stage.pass(.seconds(10))
    #expect(group.times.count == 4)
  }

  @Test func answersComeWithTheAddressThatTheyAreFrom() throws {
    let stage = Stage()
    let group = try Group(stage)
    var heard: [String] = []
    let searcher = try Searcher(loop: stage.loop, local: Stage.ours, interface: nil, target: (Stage.device, group.port)) { bytes, from in
      heard.append("\(bytes.count) from \(from)")
    }
    group.reply = [[1, 2, 3], [UInt8](repeating: 65, count: 9000)]
    searcher.start()
    stage.pass(.milliseconds(100))
    // A datagram that is too long is cut; whoever reads it refuses it then.
    #expect(Set(heard) == ["3 from 127.0.0.9", "4096 from 127.0.0.9"])
  }
}

/// Who is asked, in place of the multicast group.
private final class Group {
  let port: UInt16
  private(set) var asked: [String] = []
  private(set) var times: [Int] = []
  var reply: [[UInt8]] = []
  private let stage: Stage
  private let descriptor: Int32

  init(_ stage: Stage) throws {
    self.stage = stage
    let socket = try Socket.search(from: Stage.device, interface: nil)
    descriptor = socket
    var storage = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
    }
    port = UInt16(bigEndian: storage.sin_port)
    stage.loop.whenReadable(descriptor) { [unowned self] in read() }
  }

  deinit {
    stage.loop.forget(descriptor)
    close(descriptor)
  }

  private func read() {
    var from = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    var buffer = [UInt8](repeating: 0, count: 2048)
    let count = withUnsafeMutablePointer(to: &from) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(descriptor, &buffer, 2048, 0, $0, &length) }
    }
    guard count > 0 else { return }
    asked.append(String(decoding: buffer.prefix(count), as: UTF8.self))
    let elapsed = stage.elapsed.components
    times.append(Int(elapsed.seconds) * 1000 + Int(elapsed.attoseconds / 1_000_000_000_000_000))
    for bytes in reply { _ = Socket.send(descriptor, bytes, to: Stage.ours, port: UInt16(bigEndian: from.sin_port)) }
  }
}
