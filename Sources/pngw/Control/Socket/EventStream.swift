import AdminProtocol
import FoundationEssentials
import MediaProtocol

/// `GET /v1/events`, line by line. Asked for with HTTP/1.0, so that the answer is the lines and nothing else.
struct EventStream {
  enum Happening {
    /// As it came, and read.
    case event([UInt8], EventReply)
    /// Nothing came in time.
    case silence
    /// The gateway has ended.
    case end
  }

  /// An event has a sentence and a dozen short fields.
  private static let longestLine = 64 << 10
  private static let headMilliseconds = 30_000

  private let socket: UnixSocket
  private var pending: [UInt8] = []

  /// Returns when the gateway listens for us: what happens from now on comes.
  init(_ client: AdminClient) throws(ControlFailure) {
    socket = try UnixSocket(path: client.socketPath)
    _ = try socket.send(AdminClient.head("GET", Target("events"), version: "1.0", [])[...])
    let head = try readHead()
    let status: Int
    do { status = try HTTPHead(head).status ?? 0 } catch { throw UnixSocket.stopped("its answer \(error)") }
    if status != 200 { try AdminClient.check(status, try rest()) }
  }

  private mutating func readHead() throws(ControlFailure) -> [UInt8] {
    let end: [UInt8] = [13, 10, 13, 10]
    while true {
      if let range = pending.firstRange(of: end) {
        defer { pending.removeSubrange(..<range.upperBound) }
        return Array(pending[..<range.lowerBound])
      }
      guard pending.count <= HTTPHead.longest, try socket.isReadable(within: Self.headMilliseconds) else { throw UnixSocket.stopped("no answer") }
      let bytes = try socket.receive()
      guard !bytes.isEmpty else { throw UnixSocket.stopped("no answer") }
      pending += bytes
    }
  }

  private mutating func rest() throws(ControlFailure) -> [UInt8] {
    while pending.count <= Self.longestLine, try socket.isReadable(within: Self.headMilliseconds) {
      let bytes = try socket.receive()
      if bytes.isEmpty { break }
      pending += bytes
    }
    return pending
  }

  /// - Parameter milliseconds: how long to wait; nil: for ever.
  mutating func next(within milliseconds: Int? = nil) throws(ControlFailure) -> Happening {
    while true {
      if let end = pending.firstIndex(of: 10) {
        let line = Array(pending[..<end])
        pending.removeSubrange(...end)
        guard let event = try? JSONDecoder().decode(EventReply.self, from: Data(line)) else { continue }  // of a newer gateway
        return .event(line, event)
      }
      guard pending.count <= Self.longestLine else { throw UnixSocket.stopped("its event has no end") }
      guard try socket.isReadable(within: milliseconds ?? -1) else { return .silence }
      let bytes = try socket.receive()
      if bytes.isEmpty { return .end }
      pending += bytes
    }
  }
}
