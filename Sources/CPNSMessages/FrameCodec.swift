/// Why bytes are not a frame. The stream can't be read any further.
package enum FrameError: Error, Equatable, Sendable {
  /// The length that was announced, and the most that is taken now.
  case tooLong(announced: Int, limit: Int)
  /// A frame holds at least one byte.
  case empty
}

/// Cuts a byte stream into frames: a 4-byte big-endian length, then that many bytes (docs/protocol.md, "Frames").
///
///     bytes ──push──▶ [ 4-byte length | body … | next … ] ──next──▶ body
///
/// Holds at most one frame and what came with it; a length beyond `limit` is refused before its body is kept.
package struct FrameDecoder: Sendable {
  package static let headerLength = 4

  /// Largest frame taken from now on, in bytes.
  package var limit: Int
  private var buffer: [UInt8] = []
  private var consumed = 0

  package init(limit: Int) { self.limit = limit }

  /// Bytes that were pushed and are not yet part of a frame that was taken.
  package var pending: Int { buffer.count - consumed }

  package mutating func push(_ bytes: UnsafeRawBufferPointer) {
    if consumed > 0, consumed == buffer.count {
      buffer.removeAll(keepingCapacity: true)
      consumed = 0
    } else if consumed > Self.compactionThreshold {
      buffer.removeFirst(consumed)
      consumed = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next whole frame's body; nil when more bytes are needed.
  package mutating func next() throws(FrameError) -> [UInt8]? {
    guard pending >= Self.headerLength else { return nil }
    let length = buffer[consumed..<consumed + Self.headerLength].reduce(0) { $0 << 8 | Int($1) }
    if length == 0 { throw .empty }
    if length > limit { throw .tooLong(announced: length, limit: limit) }
    let start = consumed + Self.headerLength
    guard buffer.count - start >= length else { return nil }
    consumed = start + length
    return Array(buffer[start..<consumed])
  }

  /// Moving what is left to the front is worth it only now and then.
  private static let compactionThreshold = 64 << 10
}

package enum FrameEncoder {
  /// The 4 bytes that go before a body of `length` bytes, 1 to 2³²−1.
  package static func header(length: Int) -> [UInt8] {
    let n = UInt32(clamping: length)
    return [UInt8(truncatingIfNeeded: n >> 24), UInt8(truncatingIfNeeded: n >> 16), UInt8(truncatingIfNeeded: n >> 8), UInt8(truncatingIfNeeded: n)]
  }
}
