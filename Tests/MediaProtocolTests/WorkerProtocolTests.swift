import MediaProtocol
import Testing

@Suite struct WorkerFrameTests {
  private let device = MediaDevice(
    udn: UDN("a"), role: .renderer, deviceType: "t", friendlyName: "Küche \u{1F4FA}", manufacturer: "", modelName: "", address: "10.0.0.9",
    interface: "eth0", localAddress: "10.0.0.1", sink: ["http-get:*:a/b:*"], source: [])

  private var messages: [WorkerMessage] {
    [
      .ready(address: "10.0.0.1"), .reply(1, .done), .reply(2, .transport(.playing)), .reply(3, .position(uri: "u", relativeSeconds: nil, durationSeconds: 3)),
      .reply(4, .objects([MediaObject(id: "1", title: "t", upnpClass: "c", isContainer: false, resources: [MediaResource(protocolInfo: "p", url: "u", size: .max)])], total: 9)),
      .failed(5, .fault(code: 714, text: "no")), .failed(6, .unknownDevice), .event(.appeared(device)), .event(.vanished(UDN("a"), .maxAge)),
      .event(.transport(UDN("a"), .noMedia, uri: nil)), .event(.worker(interface: "eth0", up: false, detail: "x")), .event(.refused(interface: "e", what: "w", why: "y")),
    ]
  }

  @Test(arguments: [1, 5, 4096])
  func everyMessageArrivesAsItWasSent(piece: Int) throws {
    var decoder = WorkerFrameDecoder<WorkerMessage>()
    var bytes = try messages.flatMap { try WorkerFrame.encode($0) }[...]
    var arrived: [WorkerMessage] = []
    while !bytes.isEmpty {
      decoder.push(bytes.prefix(piece))
      bytes = bytes.dropFirst(piece)
      while let message = try decoder.next() { arrived.append(message) }
    }
    #expect(arrived == messages)
  }

  @Test func everyCommandArrivesAsItWasSent() throws {
    let orders: [WorkerCommand.Order] = [
      .ping, .perform(.play(uri: "u", metadata: "<x/>"), on: UDN("a")), .perform(.stop, on: UDN("a")), .perform(.transportInfo, on: UDN("a")),
      .perform(.positionInfo, on: UDN("a")), .perform(.browse(container: "0", start: 0, count: 100), on: UDN("a")), .perform(.metadata(object: "1"), on: UDN("a")),
    ]
    var decoder = WorkerFrameDecoder<WorkerCommand>()
    for (id, order) in orders.enumerated() {
      let command = WorkerCommand(id: UInt64(id), order: order)
      decoder.push(try WorkerFrame.encode(command))
      #expect(try decoder.next() == command)
    }
  }

  @Test func aFrameThatIsTooLongIsRefusedByItsLengthAlone() {
    var decoder = WorkerFrameDecoder<WorkerMessage>()
    decoder.push([0xFF, 0xFF, 0xFF, 0xFF])
    #expect(throws: WorkerFrameError.tooLong(0xFFFF_FFFF)) { try decoder.next() }
    #expect(throws: WorkerFrameError.self) { try WorkerFrame.encode(WorkerMessage.ready(address: String(repeating: "x", count: WorkerFrame.longest))) }
  }

  @Test(arguments: ["{}", "", "nonsense", "{\"ready\":{}}", "[[[[[[", "\u{FFFD}"])
  func aFrameThatIsNoMessageIsRefused(text: String) {
    var decoder = WorkerFrameDecoder<WorkerMessage>()
    decoder.push([0, 0, 0, UInt8(text.utf8.count)] + Array(text.utf8))
    #expect(throws: WorkerFrameError.unreadable) { try decoder.next() }
  }
}
