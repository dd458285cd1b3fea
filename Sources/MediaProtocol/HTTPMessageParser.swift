/// Reads one HTTP/1.1 message (RFC 9112) from bytes as they arrive, and holds its bounds.
///
///     head ──length──▶ counted ──▶ done        (100 Continue and its like are skipped)
///       │──chunked──▶ chunkSize ⇄ chunkData ⇄ chunkEnd ──0──▶ trailer ──▶ done
///       └──neither──▶ untilClose ──end()──▶ done
package struct HTTPMessageParser: ~Copyable {
  package enum Kind: Sendable { case request, response }

  private enum State { case head, counted(Int), chunkSize, chunkData(Int), chunkEnd, trailer, untilClose, done }

  /// Interim answers (1xx) before the real one.
  private static let mostInterim = 4
  /// A chunk's size with its extensions, in bytes.
  private static let longestChunkLine = 128

  private let kind: Kind
  private let limit: Int
  private var state = State.head
  private var pending: [UInt8] = []
  private var head: HTTPHead?
  private var body: [UInt8] = []
  private var interim = 0
  private var trailerBytes = 0

  /// - Parameter bodyLimit: bytes; a message that announces or brings more is refused at once.
  package init(_ kind: Kind, bodyLimit: Int) {
    self.kind = kind
    limit = bodyLimit
  }

  /// - Returns: the message once it is whole; what follows it is dropped.
  package mutating func push(_ bytes: some Collection<UInt8>) throws(HTTPRefusal) -> HTTPMessage? {
    var rest = Array(bytes)[...]
    while true {
      switch state {
      case .head: guard try takeHead(&rest) else { return nil }
      case .counted(let wanted): guard take(wanted, from: &rest, then: { $0 == 0 ? .done : .counted($0) }) else { return nil }
      case .chunkSize: guard try takeChunkSize(&rest) else { return nil }
      case .chunkData(let wanted): guard take(wanted, from: &rest, then: { $0 == 0 ? .chunkEnd : .chunkData($0) }) else { return nil }
      case .chunkEnd: guard try takeChunkEnd(&rest) else { return nil }
      case .trailer: guard try takeTrailer(&rest) else { return nil }
      case .untilClose:
        guard body.count + rest.count <= limit else { throw .bodyTooLarge(limit) }
        body += rest
        return nil
      case .done:
        guard let head else { throw .malformed("has no head") }
        return HTTPMessage(head: head, body: body)
      }
    }
  }

  /// The peer closed the connection.
  package mutating func end() throws(HTTPRefusal) -> HTTPMessage {
    guard case .untilClose = state, let head else { throw .cut }
    return HTTPMessage(head: head, body: body)
  }

  private mutating func takeHead(_ rest: inout ArraySlice<UInt8>) throws(HTTPRefusal) -> Bool {
    while let byte = rest.popFirst() {
      pending.append(byte)
      guard pending.count <= HTTPHead.longest else { throw .headTooLarge }
      guard byte == 10, pending.suffix(4) == [13, 10, 13, 10] || pending.suffix(2) == [10, 10] else { continue }
      let head = try HTTPHead(pending)
      pending = []
      try accept(head)
      return true
    }
    return false
  }

  private mutating func accept(_ head: HTTPHead) throws(HTTPRefusal) {
    if kind == .request, head.request == nil { throw .malformed("is no HTTP/1.1 request") }
    if kind == .response {
      guard let status = head.status else { throw .malformed("is no HTTP/1.1 answer") }
      if status < 200 {
        interim += 1
        if interim > Self.mostInterim { throw .malformed("has more than \(Self.mostInterim) interim answers") }
        return
      }
      if status == 204 || status == 304 { return finish(head) }
    }
    self.head = head
    if let coding = head.value("transfer-encoding") {
      guard coding.lowercased() == "chunked" else { throw .malformed("has the transfer coding \"\(coding.prefix(20))\"; chunked would be right") }
      state = .chunkSize
    } else if let text = head.value("content-length") {
      guard text.utf8.allSatisfy({ (48...57).contains($0) }), !text.isEmpty else { throw .malformed("has a Content-Length that is no number") }
      guard let length = Int(text), length <= limit else { throw .bodyTooLarge(limit) }
      guard head.fields.allSatisfy({ $0.name != "content-length" || $0.value == text }) else { throw .malformed("has two Content-Lengths") }
      state = length == 0 ? .done : .counted(length)
    } else {
      state = kind == .request ? .done : .untilClose
    }
  }

  private mutating func finish(_ head: HTTPHead) {
    self.head = head
    state = .done
  }

  private mutating func take(_ wanted: Int, from rest: inout ArraySlice<UInt8>, then next: (Int) -> State) -> Bool {
    guard !rest.isEmpty else { return false }
    let count = min(wanted, rest.count)
    body += rest.prefix(count)
    rest.removeFirst(count)
    state = next(wanted - count)
    return true
  }

  private mutating func takeChunkSize(_ rest: inout ArraySlice<UInt8>) throws(HTTPRefusal) -> Bool {
    guard let line = try takeLine(&rest, longest: Self.longestChunkLine) else { return false }
    let digits = line.prefix { $0 != ";" }.trimmed
    guard (1...8).contains(digits.utf8.count), digits.utf8.allSatisfy(\.isHexDigit), let size = Int(digits, radix: 16) else { throw .malformed("has a chunk without a size") }
    guard body.count + size <= limit else { throw .bodyTooLarge(limit) }
    state = size == 0 ? .trailer : .chunkData(size)
    return true
  }

  private mutating func takeChunkEnd(_ rest: inout ArraySlice<UInt8>) throws(HTTPRefusal) -> Bool {
    guard let line = try takeLine(&rest, longest: 2) else { return false }
    guard line.isEmpty else { throw .malformed("has a chunk that is longer than its size") }
    state = .chunkSize
    return true
  }

  private mutating func takeTrailer(_ rest: inout ArraySlice<UInt8>) throws(HTTPRefusal) -> Bool {
    guard let line = try takeLine(&rest, longest: HTTPHead.longest) else { return false }
    trailerBytes += line.utf8.count + 2
    guard trailerBytes <= HTTPHead.longest else { throw .headTooLarge }
    if line.isEmpty { state = .done }
    return true
  }

  private mutating func takeLine(_ rest: inout ArraySlice<UInt8>, longest: Int) throws(HTTPRefusal) -> String? {
    while let byte = rest.popFirst() {
      if byte == 10 {
        if pending.last == 13 { pending.removeLast() }
        let line = String(decoding: pending, as: UTF8.self)
        pending = []
        return line
      }
      pending.append(byte)
      guard pending.count <= longest else { throw .malformed("has a line of more than \(longest) bytes in its chunks") }
    }
    return nil
  }
}
