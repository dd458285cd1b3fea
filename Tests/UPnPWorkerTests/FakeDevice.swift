import Glibc
import MediaProtocol

@testable import UPnPWorker

/// An HTTP server on a loopback address, on the test's own event loop. It answers whatever it is told to.
final class FakeDevice {
  enum Answer {
    /// These bytes, and the connection is closed.
    case bytes([UInt8])
    /// These bytes, one after each time.
    case drip([UInt8], Duration)
    /// The head, and then this without end.
    case endless(String, [UInt8])
    /// Nothing, and the connection stays open.
    case silence
  }

  let port: UInt16
  let address: IPAddress
  var respond: (HTTPMessage) -> Answer
  private(set) var requests: [HTTPMessage] = []
  private(set) var sent = 0
  private(set) var open = 0
  private let loop: EventLoop
  private let descriptor: Int32

  init(_ stage: Stage, at address: IPAddress = Stage.device, respond: @escaping (HTTPMessage) -> Answer) throws {
    loop = stage.loop
    self.address = address
    self.respond = respond
    (descriptor, port) = try Socket.listen(on: address, interface: nil, backlog: 64)
    loop.whenReadable(descriptor) { [weak self] in self?.accept() }
  }

  deinit {
    loop.forget(descriptor)
    close(descriptor)
  }

  func url(_ path: String) -> LANURL { LANURL(host: address, port: port, path: path) }
  var methods: [String] { requests.map { String($0.head.firstLine.prefix { $0 != " " }) } }

  private func accept() {
    while let (fd, _) = Socket.accept(descriptor) {
      open += 1
      let reader = Reader()
      loop.whenReadable(fd) { [weak self] in self?.read(fd, reader) }
    }
  }

  private final class Reader { var parser = HTTPMessageParser(.request, bodyLimit: 1 << 20) }

  private func read(_ fd: Int32, _ reader: Reader) {
    guard case .bytes(let bytes, _) = Socket.receive(fd, atMost: 64 << 10), let parsed = try? reader.parser.push(bytes) as HTTPMessage?? else { return end(fd) }
    guard let message = parsed else { return }
    requests.append(message)
    switch respond(message) {
    case .bytes(let bytes): write(fd, bytes[...])
    case .drip(let bytes, let pause): drip(fd, bytes[...], pause)
    case .endless(let head, let piece): pour(fd, Array(head.utf8)[...], piece)
    case .silence: loop.whenReadable(fd) { [weak self] in if case .ended = Socket.receive(fd, atMost: 100) { self?.end(fd) } }
    }
  }

  private func write(_ fd: Int32, _ bytes: ArraySlice<UInt8>) {
    guard let count = Socket.send(fd, bytes), count < bytes.count else { return end(fd) }
    sent += count
    loop.whenWritable(fd) { [weak self] in self?.write(fd, bytes.dropFirst(count)) }
  }

  private func drip(_ fd: Int32, _ bytes: ArraySlice<UInt8>, _ pause: Duration) {
    loop.forget(fd)
    guard let first = bytes.first, Socket.send(fd, [first]) != nil else { return end(fd) }
    sent += 1
    loop.after(pause) { [weak self] in self?.drip(fd, bytes.dropFirst(), pause) }
  }

  private func pour(_ fd: Int32, _ bytes: ArraySlice<UInt8>, _ piece: [UInt8]) {
    guard let count = Socket.send(fd, bytes) else { return end(fd) }
    sent += count
    let rest = bytes.dropFirst(count)
    loop.whenWritable(fd) { [weak self] in self?.pour(fd, rest.isEmpty ? piece[...] : rest, piece) }
  }

  private func end(_ fd: Int32) {
    open -= 1
    loop.forget(fd)
    close(fd)
  }
}

/// A whole answer.
func answer(_ body: String, status: String = "200 OK", _ fields: String = "") -> FakeDevice.Answer {
  .bytes(Array("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)".utf8))
}

func soap(_ action: String, _ arguments: [(String, String)] = []) -> FakeDevice.Answer {
  let inner = arguments.map { "<\($0)>\($1.xmlEscaped)</\($0)>" }.joined()
  return answer("<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><u:\(action)Response xmlns:u=\"x\">\(inner)</u:\(action)Response></s:Body></s:Envelope>")
}

func fault(_ code: Int, _ text: String = "") -> FakeDevice.Answer {
  answer("<s:Envelope xmlns:s=\"x\"><s:Body><s:Fault><detail><UPnPError><errorCode>\(code)</errorCode><errorDescription>\(text)</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>", status: "500 Error")
}

/// A renderer's description.
func description(udn: String = "uuid:tv", control: String = "/control", event: String = "/event", base: String = "", more: String = "") -> String {
  let services = ["AVTransport", "ConnectionManager"].map {
    "<service><serviceType>urn:schemas-upnp-org:service:\($0):1</serviceType><controlURL>\(control)</controlURL><eventSubURL>\(event)</eventSubURL></service>"
  }.joined()
  return """
    <?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">\(base)<device><deviceType>urn:schemas-upnp-org:device:MediaRenderer:1</deviceType>\
    <friendlyName>Küche</friendlyName><UDN>\(udn)</UDN><serviceList>\(services)</serviceList>\(more)</device></root>
    """
}
