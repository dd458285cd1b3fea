import Glibc
package import MediaProtocol

/// Where devices send their event messages (UPnP Device Architecture 1.1, 4.3.2): one small HTTP/1.1 listener.
package final class EventListener {
  /// Connections at once, in all and from one address: slow ones are cut after ``seconds``.
  static let mostConnections = 32
  static let mostConnectionsOfOneAddress = 4
  static let seconds = 2
  static let bodyLimit = XMLLimits.event.bytes

  /// Status of the answer.
  package typealias Handler = (_ message: HTTPMessage, _ from: IPAddress) -> Int

  package let port: UInt16
  private let loop: EventLoop
  private let descriptor: Int32
  private let admits: (IPAddress) -> Bool
  private let handler: Handler
  private var connections: [Int32: IPAddress] = [:]

  /// - Parameter admits: whether anything is expected from that address; others are cut at once.
  package init(
    loop: EventLoop, local: IPAddress, interface: String?, admits: @escaping (IPAddress) -> Bool, handler: @escaping Handler
  ) throws {
    (descriptor, port) = try Socket.listen(on: local, interface: interface, backlog: 64)
    self.loop = loop
    self.admits = admits
    self.handler = handler
    loop.whenReadable(descriptor) { [weak self] in self?.accept() }
  }

  deinit { close(descriptor) }

  private func accept() {
    while let (fd, from) = Socket.accept(descriptor) {
      let same = connections.values.count { $0 == from }
      guard admits(from), connections.count < Self.mostConnections, same < Self.mostConnectionsOfOneAddress else {
        close(fd)
        continue
      }
      connections[fd] = from
      EventConnection(loop: loop, descriptor: fd) { [weak self] message in self?.handler(message, from) ?? 503 } closed: { [weak self] in
        self?.connections[fd] = nil
      }.start()
    }
  }
}

/// One event message on one connection.
private final class EventConnection {
  private let loop: EventLoop
  private let descriptor: Int32
  private let handler: (HTTPMessage) -> Int
  private var closed: (() -> Void)?
  private var parser = HTTPMessageParser(.request, bodyLimit: EventListener.bodyLimit)
  private var timer: EventLoop.TimerID?

  init(loop: EventLoop, descriptor: Int32, handler: @escaping (HTTPMessage) -> Int, closed: @escaping () -> Void) {
    self.loop = loop
    self.descriptor = descriptor
    self.handler = handler
    self.closed = closed
  }

  func start() {
    timer = loop.after(.seconds(EventListener.seconds)) { self.finish() }
    loop.whenReadable(descriptor) { self.read() }
  }

  private func read() {
    switch Socket.receive(descriptor, atMost: 16 << 10) {
    case .bytes(let bytes, _):
      do throws(HTTPRefusal) {
        guard let message = try parser.push(bytes) else { return }
        answer(handler(message))
      } catch { answer(400) }
    case .wouldBlock: break
    case .ended, .failed: finish()
    }
  }

  private func answer(_ status: Int) {
    let reason = status == 200 ? "OK" : "Refused"
    // One small packet into an empty buffer: it fits, or the device is gone.
    _ = Socket.send(descriptor, Array("HTTP/1.1 \(status) \(reason)\r\nCONTENT-LENGTH: 0\r\nCONNECTION: close\r\n\r\n".utf8)[...])
    finish()
  }

  private func finish() {
    guard let closed else { return }
    self.closed = nil
    loop.cancel(timer)
    loop.forget(descriptor)
    close(descriptor)
    closed()
  }
}
