import AdminProtocol
import CPNSModel
import FoundationEssentials
import MediaProtocol

/// Speaks to the gateway: a connection for each request.
struct AdminClient {
  /// The longest that the gateway itself takes: enrolment waits 20 s for the server after it has connected.
  private static let answerMilliseconds = 90_000
  /// 256 devices with all that they accept fill some 3 MB.
  static let mostBytes = 16 << 20

  let socketPath: String

  /// - Returns: the body of the answer, as it came.
  func get(_ target: Target) throws(ControlFailure) -> [UInt8] { try exchange("GET", target, body: []) }
  func delete(_ target: Target) throws(ControlFailure) -> [UInt8] { try exchange("DELETE", target, body: []) }
  func post(_ target: Target, _ value: some Encodable) throws(ControlFailure) -> [UInt8] {
    let body: Data
    do { body = try JSONEncoder().encode(value) } catch { throw .usage("this can't be sent: \(error)") }
    return try exchange("POST", target, body: Array(body))
  }

  private func exchange(_ method: String, _ target: Target, body: [UInt8]) throws(ControlFailure) -> [UInt8] {
    let socket = try UnixSocket(path: socketPath)
    let fields = method == "POST" ? ["Content-Type: application/json", "Content-Length: \(body.count)"] : []
    _ = try socket.send((Self.head(method, target, fields) + body)[...])
    return try Self.answer(on: socket)
  }

  static func head(_ method: String, _ target: Target, version: String = "1.1", _ fields: [String]) -> [UInt8] {
    let lines = ["\(method) \(target.text) HTTP/\(version)", "Host: pngw", "Connection: close"] + fields + ["", ""]
    return Array(lines.joined(separator: "\r\n").utf8)
  }

  /// Reads the answer on `socket` to its end.
  static func answer(on socket: UnixSocket) throws(ControlFailure) -> [UInt8] {
    var parser = HTTPMessageParser(.response, bodyLimit: mostBytes)
    do {
      while true {
        guard try socket.isReadable(within: answerMilliseconds) else { throw UnixSocket.stopped("no answer within \(answerMilliseconds / 1000) s") }
        let bytes = try socket.receive()
        if bytes.isEmpty { return try body(of: try parser.end()) }
        if let message = try parser.push(bytes) { return try body(of: message) }
      }
    } catch let failure as ControlFailure {
      throw failure
    } catch {
      throw UnixSocket.stopped("its answer \(error)")
    }
  }

  private static func body(of message: HTTPMessage) throws(ControlFailure) -> [UInt8] {
    try check(message.head.status ?? 0, message.body)
    return message.body
  }

  static func check(_ status: Int, _ body: [UInt8]) throws(ControlFailure) {
    if (200..<300).contains(status) { return }
    guard let reply = try? JSONDecoder().decode(ErrorReply.self, from: Data(body)) else {  // no error of ours: told below
      throw .unreachable("what answers is no pngwd: it said \(status)", remedy: "name the gateway's socket with --socket")
    }
    throw .refused(reply.error)
  }

  func decode<Value: Decodable>(_ body: [UInt8]) throws(ControlFailure) -> Value {
    do { return try JSONDecoder().decode(Value.self, from: Data(body)) } catch {
      throw .unreachable("the gateway's answer can't be read: \(error)", remedy: "compare the versions of pngwd and pngwctl")
    }
  }

  // MARK: Names

  /// The PNE that people mean by `text`.
  func pne(_ text: String) throws(ControlFailure) -> PNEReply {
    let list: PNEListReply = try decode(try get(Target("pnes")))
    do { return try PNEReference.resolve(text, in: list.pnes) } catch { throw .failed(error.description) }
  }
}
