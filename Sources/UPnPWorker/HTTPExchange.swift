import Glibc
import MediaProtocol

/// One request and its answer on one connection. Lives as long as the loop watches its socket or its deadline.
final class HTTPExchange {
  /// Bytes read at a time.
  private static let piece = 16 << 10

  private let loop: EventLoop
  private let request: HTTPRequest
  private let interface: String?
  private let local: IPAddress?
  private var done: ((Result<HTTPMessage, HTTPFailure>) -> Void)?
  private var parser: HTTPMessageParser
  private var unsent: ArraySlice<UInt8>
  private var descriptor: Int32 = -1
  private var timer: EventLoop.TimerID?

  init(
    loop: EventLoop, request: HTTPRequest, interface: String?, local: IPAddress?,
    done: @escaping (Result<HTTPMessage, HTTPFailure>) -> Void
  ) {
    self.loop = loop
    self.request = request
    self.interface = interface
    self.local = local
    self.done = done
    parser = HTTPMessageParser(.response, bodyLimit: request.bodyLimit)
    unsent = request.bytes[...]
  }

  func start() {
    let due: EventLoop.Instant
    switch request.limit {
    case .within(let duration): due = loop.now + duration
    case .until(let instant): due = instant
    }
    timer = loop.at(due) { self.finish(.failure(.timedOut)) }
    guard due > loop.now else { return }
    do throws(Socket.Failure) {
      descriptor = try Socket.connect(to: request.url.host, port: request.url.port, from: local, interface: interface)
      loop.whenWritable(descriptor) { self.connected() }
    } catch {
      // Later, like every other end.
      loop.after(.zero) { self.finish(.failure(.unreachable("\(error)"))) }
    }
  }

  private func connected() {
    let error = Socket.error(of: descriptor)
    guard error == 0 else { return finish(.failure(.unreachable(String(cString: strerror(error))))) }
    loop.whenWritable(descriptor) { self.write() }
    write()
  }

  private func write() {
    guard let sent = Socket.send(descriptor, unsent) else { return finish(.failure(.unreachable("it closed the connection"))) }
    unsent.removeFirst(sent)
    if unsent.isEmpty { loop.whenReadable(descriptor) { self.read() } }
  }

  private func read() {
    do throws(HTTPRefusal) {
      switch Socket.receive(descriptor, atMost: Self.piece) {
      case .bytes(let bytes, _): if let message = try parser.push(bytes) { finish(.success(message)) }
      case .wouldBlock: break
      case .ended: finish(.success(try parser.end()))
      case .failed(let error): finish(.failure(.unreachable(String(cString: strerror(error)))))
      }
    } catch { finish(.failure(.refused(error))) }
  }

  private func finish(_ result: Result<HTTPMessage, HTTPFailure>) {
    guard let done else { return }
    self.done = nil
    loop.cancel(timer)
    if descriptor >= 0 {
      loop.forget(descriptor)
      close(descriptor)
    }
    done(result)
  }
}
