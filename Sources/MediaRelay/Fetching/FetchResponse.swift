package import GatewayCore
import MediaProtocol

/// Reads the answer to a GET as it arrives, and gives its body on piece by piece.
///
///     head ──length──▶ counted ──▶ done        (100 Continue and its like are passed over)
///       │──chunked──▶ chunkSize ⇄ chunkData ⇄ chunkEnd ──0──▶ trailer ──▶ done
///       └──neither──▶ untilClose ──end()──▶ done
package struct FetchResponse: ~Copyable {
  private enum State { case head, counted(UInt64), chunkSize, chunkData(UInt64), chunkEnd, trailer, untilClose, done }

  /// Interim answers (1xx) before the real one.
  private static let mostInterim = 4
  /// A chunk's size with its extensions, and all trailers, in bytes.
  private static let longestChunkLine = 128
  private static let longestTrailer = 4 << 10

  private let offset: UInt64
  private let limit: UInt64
  private var state = State.head
  private var line: [UInt8] = []
  private var interim = 0
  private var trailerBytes = 0
  /// Bytes before the offset that the device sends although it was asked not to.
  private var toSkip: UInt64 = 0
  private var received: UInt64 = 0
  /// Of the whole content, when the device has said it.
  package private(set) var size: UInt64?

  /// - Parameters:
  ///   - offset: what was asked for.
  ///   - limit: bytes of the whole content; more is refused as soon as it is announced or comes.
  package init(offset: UInt64, limit: UInt64) {
    self.offset = offset
    self.limit = limit
  }

  package var isDone: Bool { if case .done = state { true } else { false } }
  package var hasHead: Bool { if case .head = state { false } else { true } }

  /// - Returns: bytes of the content from the offset on, in order.
  package mutating func push(_ bytes: [UInt8]) throws(FetchError) -> [UInt8] {
    var rest = bytes[...]
    var content: [UInt8] = []
    while !rest.isEmpty {
      switch state {
      case .head: try takeHead(&rest)
      case .counted(let wanted):
        let left = try take(wanted, &rest, &content)
        state = left == 0 ? .done : .counted(left)
      case .chunkSize: try takeChunkSize(&rest)
      case .chunkData(let wanted):
        let left = try take(wanted, &rest, &content)
        state = left == 0 ? .chunkEnd : .chunkData(left)
      case .chunkEnd: try takeChunkEnd(&rest)
      case .trailer: try takeTrailer(&rest)
      case .untilClose: _ = try take(.max, &rest, &content)
      case .done: return content
      }
    }
    return content
  }

  /// The device closed the connection.
  package mutating func end() throws(FetchError) {
    switch state {
    case .done: return
    case .untilClose:
      guard toSkip == 0 else { throw .malformed("the content is shorter than the part that is here already") }
      state = .done
    case .head: throw .unreachable("it closed the connection before its answer")
    case .counted, .chunkSize, .chunkData, .chunkEnd, .trailer: throw .unreachable("it closed the connection in the middle of the content")
    }
  }

  // MARK: Head

  private mutating func takeHead(_ rest: inout ArraySlice<UInt8>) throws(FetchError) {
    while let byte = rest.popFirst() {
      line.append(byte)
      guard line.count <= HTTPHead.longest else { throw .malformed("the answer has a head of more than \(HTTPHead.longest) bytes") }
      guard byte == 10, line.suffix(4) == [13, 10, 13, 10] || line.suffix(2) == [10, 10] else { continue }
      let bytes = line
      line = []
      return try accept(head(bytes))
    }
  }

  private func head(_ bytes: [UInt8]) throws(FetchError) -> HTTPHead {
    do throws(HTTPRefusal) { return try HTTPHead(bytes) } catch { throw .malformed("the answer \(error)") }
  }

  private mutating func accept(_ head: HTTPHead) throws(FetchError) {
    guard let status = head.status else { throw .malformed("the answer is no HTTP/1.1") }
    switch status {
    case 100..<200:
      interim += 1
      guard interim <= Self.mostInterim else { throw .malformed("more than \(Self.mostInterim) interim answers came") }
    case 200:
      try frame(head)
      toSkip = offset
      if case .counted(let count) = state { size = count }
      if let size, size < offset { throw .malformed("the content has \(size) bytes, and \(offset) are here already") }
    case 206:
      try frame(head)
      try accept(range: head.value("content-range"))
    case 416 where offset > 0 && head.value("content-range") == "bytes */\(offset)":
      // All of it is here already.
      size = offset
      state = .done
    default: throw .status(status)
    }
    if let size, size > limit { throw .malformed("the content has \(size) bytes, at most \(limit) are taken") }
  }

  private mutating func frame(_ head: HTTPHead) throws(FetchError) {
    guard [nil, "identity"].contains(head.value("content-encoding")?.lowercased()) else { throw .malformed("the content is encoded") }
    let lengths = Set(head.fields.filter { $0.name == "content-length" }.map(\.value))
    if let coding = head.value("transfer-encoding") {
      guard coding.lowercased() == "chunked", lengths.isEmpty else { throw .malformed("the answer's transfer coding is not \"chunked\" alone") }
      state = .chunkSize
    } else if let text = lengths.first {
      guard lengths.count == 1, text.utf8.allSatisfy({ (48...57).contains($0) }), let count = UInt64(text) else {
        throw .malformed("the answer has no clear Content-Length")
      }
      state = count == 0 ? .done : .counted(count)
      if count == 0 { size = 0 }
    } else {
      state = .untilClose
    }
  }

  /// `bytes 100-199/200`: it must be the part that was asked for, to its end.
  private mutating func accept(range text: String?) throws(FetchError) {
    let parts = (text ?? "").split { " -/".contains($0) }
    guard parts.count == 4, parts[0].lowercased() == "bytes", let first = UInt64(parts[1]), let last = UInt64(parts[2]), first == offset, offset > 0, last >= first else {
      throw .malformed("a part was asked for from \(offset) on, and \"\(text?.prefix(64) ?? "nothing said")\" came")
    }
    guard parts[3] != "*" else { return }
    guard let whole = UInt64(parts[3]), last < whole else { throw .malformed("the answer's Content-Range contradicts itself") }
    size = whole
    if case .counted(let count) = state, count != whole - first { throw .malformed("the part that came does not reach to the end") }
  }

  // MARK: Body

  /// - Returns: how much of `wanted` is still to come.
  private mutating func take(_ wanted: UInt64, _ rest: inout ArraySlice<UInt8>, _ content: inout [UInt8]) throws(FetchError) -> UInt64 {
    let count = Int(min(UInt64(rest.count), wanted))
    var piece = rest.prefix(count)
    rest = rest.dropFirst(count)
    let skipped = Int(min(UInt64(piece.count), toSkip))
    piece = piece.dropFirst(skipped)
    toSkip -= UInt64(skipped)
    received += UInt64(piece.count)
    guard offset + received <= limit else { throw .malformed("the content has more than \(limit) bytes") }
    content += piece
    return wanted - UInt64(count)
  }

  private mutating func takeLine(_ rest: inout ArraySlice<UInt8>, longest: Int) throws(FetchError) -> [UInt8]? {
    while let byte = rest.popFirst() {
      if byte == 10 {
        defer { line = [] }
        return line.last == 13 ? line.dropLast() : line
      }
      line.append(byte)
      guard line.count <= longest else { throw .malformed("a chunk's head is longer than \(longest) bytes") }
    }
    return nil
  }

  private mutating func takeChunkSize(_ rest: inout ArraySlice<UInt8>) throws(FetchError) {
    guard let bytes = try takeLine(&rest, longest: Self.longestChunkLine) else { return }
    let text = String(decoding: bytes.prefix { $0 != UInt8(ascii: ";") && $0 != 32 && $0 != 9 }, as: UTF8.self)
    guard text.first != "+", text.first != "-", let count = UInt64(text, radix: 16) else { throw .malformed("a chunk has no size") }
    state = count == 0 ? .trailer : .chunkData(count)
  }

  private mutating func takeChunkEnd(_ rest: inout ArraySlice<UInt8>) throws(FetchError) {
    guard let bytes = try takeLine(&rest, longest: Self.longestChunkLine) else { return }
    guard bytes.isEmpty else { throw .malformed("a chunk is longer than it says") }
    state = .chunkSize
  }

  private mutating func takeTrailer(_ rest: inout ArraySlice<UInt8>) throws(FetchError) {
    guard let bytes = try takeLine(&rest, longest: Self.longestTrailer) else { return }
    trailerBytes += bytes.count
    guard trailerBytes <= Self.longestTrailer else { throw .malformed("the trailers are longer than \(Self.longestTrailer) bytes") }
    guard bytes.isEmpty else { return }
    if toSkip > 0 { throw .malformed("the content is shorter than the part that is here already") }
    state = .done
  }
}
