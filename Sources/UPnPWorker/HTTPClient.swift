import Glibc
package import MediaProtocol

/// One request to a device.
package struct HTTPRequest {
  package enum Lane: Hashable {
    /// Descriptions, GetProtocolInfo, subscriptions: what we do by ourselves.
    case discovery
    /// What somebody waits for.
    case command
  }
  package enum Limit {
    /// From when it is sent: waiting for its turn does not count.
    case within(Duration)
    case until(EventLoop.Instant)
  }

  var method: String
  var url: LANURL
  var fields: [(String, String)] = []
  var body: [UInt8] = []
  var bodyLimit: Int
  var lane: Lane
  var limit: Limit

  package init(
    method: String, url: LANURL, fields: [(String, String)] = [], body: [UInt8] = [], bodyLimit: Int, lane: Lane, limit: Limit
  ) {
    self.method = method
    self.url = url
    self.fields = fields
    self.body = body
    self.bodyLimit = bodyLimit
    self.lane = lane
    self.limit = limit
  }

  var bytes: [UInt8] {
    var head = "\(method) \(url.path) HTTP/1.1\r\nHOST: \(url.hostAndPort)\r\nUSER-AGENT: Linux UPnP/1.1 pngw\r\nCONNECTION: close\r\n"
    if !body.isEmpty { head += "CONTENT-LENGTH: \(body.count)\r\n" }
    for (name, value) in fields { head += "\(name): \(value)\r\n" }
    return Array((head + "\r\n").utf8) + body
  }
}

package enum HTTPFailure: Error, Equatable, CustomStringConvertible {
  case unreachable(String)
  case timedOut
  case refused(HTTPRefusal)
  case busy

  package var description: String {
    switch self {
    case .unreachable(let why): "it cannot be reached: \(why)"
    case .timedOut: "it did not answer in time"
    case .refused(let refusal): "its answer \(refusal)"
    case .busy: "too many requests wait for it"
    }
  }
}

/// A small HTTP/1.1 client: one request a connection, no redirects, everything bounded.
///
/// It does not decide where it may connect: ``LANPolicy`` has, before a URL comes here.
package final class HTTPClient {
  /// Requests under way, in all; with one for each host, so that a slow device holds up only itself.
  static let active: [HTTPRequest.Lane: Int] = [.discovery: 4, .command: 8]
  /// Requests that wait: each of 256 devices with a description and two more.
  static let mostWaiting = 768
  static let mostWaitingCommands = 64

  private struct Job {
    var request: HTTPRequest
    var done: (Result<HTTPMessage, HTTPFailure>) -> Void
  }
  private let loop: EventLoop
  private let interface: String?
  private let local: IPAddress?
  private var waiting: [HTTPRequest.Lane: [Job]] = [:]
  private var running: [HTTPRequest.Lane: Set<IPAddress>] = [:]

  /// - Parameters:
  ///   - interface: connections leave by this one. nil: any, for tests.
  ///   - local: our own address.
  package init(loop: EventLoop, interface: String?, local: IPAddress?) {
    self.loop = loop
    self.interface = interface
    self.local = local
  }

  /// `done` is called once, later.
  package func send(_ request: HTTPRequest, _ done: @escaping (Result<HTTPMessage, HTTPFailure>) -> Void) {
    let most = request.lane == .discovery ? Self.mostWaiting : Self.mostWaitingCommands
    guard waiting[request.lane, default: []].count < most else {
      loop.after(.zero) { done(.failure(.busy)) }
      return
    }
    waiting[request.lane, default: []].append(Job(request: request, done: done))
    startNext(request.lane)
  }

  private func startNext(_ lane: HTTPRequest.Lane) {
    while running[lane, default: []].count < Self.active[lane, default: 1] {
      guard let index = waiting[lane]?.firstIndex(where: { running[lane]?.contains($0.request.url.host) != true }),
        let job = waiting[lane]?.remove(at: index)
      else { return }
      let host = job.request.url.host
      running[lane, default: []].insert(host)
      HTTPExchange(loop: loop, request: job.request, interface: interface, local: local) { [weak self] result in
        self?.running[lane]?.remove(host)
        job.done(result)
        self?.startNext(lane)
      }.start()
    }
  }
}
