package import CPNSMessages
import CPNSModel
import Synchronization

/// Content that is being pulled over one link, stream by stream.
///
/// Chunks are handed over in order; a stream's buffer is bounded by the credit that we gave, and a peer that sends more
/// loses the stream.
package final class ContentStreams: Sendable {
  package enum Item: Sendable {
    case chunk(offset: UInt64, bytes: [UInt8], last: Bool)
    case closed(reason: String)
  }
  private struct Open {
    var next: UInt32 = 1
    var streams: [UInt32: AsyncStream<Item>.Continuation] = [:]
  }
  private let open = Mutex(Open())

  package init() {}

  /// A number for a new stream, and what comes on it.
  /// - Returns: nil when ``Limits/streams`` are open.
  package func begin() -> (stream: UInt32, items: AsyncStream<Item>)? {
    // One chunk is at least one byte, but a peer that sends tiny chunks pays for each: 4,096 cover 512 KiB in 128-byte chunks.
    let (items, continuation) = AsyncStream<Item>.makeStream(bufferingPolicy: .bufferingOldest(4096))
    let number: UInt32? = open.withLock { open in
      guard open.streams.count < Limits.streams else { return nil }
      let number = open.next
      open.next &+= 1
      open.streams[number] = continuation
      return number
    }
    return number.map { ($0, items) }
  }

  package func end(_ stream: UInt32) {
    open.withLock { $0.streams.removeValue(forKey: stream) }?.finish()
  }

  /// The link is gone: every reader learns it.
  package func endAll() {
    let all = open.withLock { open in
      defer { open.streams.removeAll() }
      return Array(open.streams.values)
    }
    for continuation in all {
      continuation.yield(.closed(reason: "the link was lost"))
      continuation.finish()
    }
  }

  /// A notification of the peer's; anything that is not for an open stream is late, and dropped.
  package func take(_ envelope: Cpns_V1_Envelope) {
    switch envelope.kind {
    case .contentChunk:
      guard let chunk = try? envelope.decoded(as: Cpns_V1_ContentChunk.self) else { return }
      give(.chunk(offset: chunk.offset, bytes: Array(chunk.data), last: chunk.last), to: chunk.stream)
    case .contentClose:
      guard let close = try? envelope.decoded(as: Cpns_V1_ContentClose.self) else { return }
      give(.closed(reason: close.reason), to: close.stream)
    default: return
    }
  }

  private func give(_ item: Item, to stream: UInt32) {
    guard let continuation = open.withLock({ $0.streams[stream] }) else { return }
    if case .dropped = continuation.yield(item) { end(stream) }
  }
}
