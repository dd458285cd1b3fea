package import CPNSMessages
import CPNSModel
import CPNSProcedures
import FoundationEssentials
package import Logging
import Synchronization

/// Where the bytes of a content come from.
package protocol OutgoingSource: Sendable {
  /// Of the whole content, in bytes; nil when it is not known before the end.
  var size: UInt64? { get }

  /// At least one and at most `count` bytes from `offset` on; waits for those that are still to come.
  /// - Returns: nothing when the content ends at `offset`.
  func bytes(at offset: UInt64, upTo count: Int) async throws(OutgoingError) -> [UInt8]
}

/// Why a content can't be sent any further, for the receiver.
package struct OutgoingError: Error, Equatable, Sendable {
  package var reason: String
  package init(_ reason: String) { self.reason = reason }
}

/// Contents that one peer pulls from us over one link, each under its own credit (docs/protocol.md, "Content").
package final class OutgoingContent: Sendable {
  private final class Stream: Sendable {
    let number: UInt32
    let source: any OutgoingSource
    let machine: Mutex<ContentSender>
    let wakes: AsyncStream<Void>
    let wake: AsyncStream<Void>.Continuation

    init(number: UInt32, source: any OutgoingSource, sender: ContentSender) {
      self.number = number
      self.source = source
      self.machine = Mutex(sender)
      (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }
  }

  /// Smallest chunk that a peer may ask for; a Hello that says less, or nothing, means the default.
  private static let smallestChunk = 1_024
  /// What an envelope needs beside a chunk's data: ids, the stream, the offset.
  private static let envelopeBytes = 512

  private struct Table {
    var open: [UInt32: Stream] = [:]
    /// Open ones, and closed ones that still wait for their source.
    var alive = 0
  }
  private let streams = Mutex(Table())
  /// At most ``Limits/streams``: each was counted.
  private let begun: AsyncStream<Stream>
  private let begin: AsyncStream<Stream>.Continuation
  private let logger: Logger

  package init(logger: Logger) {
    self.logger = logger
    (begun, begin) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(2 * Limits.streams))
  }

  // MARK: What the peer says

  /// Opens a stream; its first chunk goes after the answer.
  /// - Returns: the answer; BUSY when the number is taken or ``Limits/streams`` are open.
  package func open(_ message: Cpns_V1_ContentOpen, _ source: any OutgoingSource, for peer: Peer) -> Reply {
    guard (1...Limits.maximumCredit).contains(Int(message.credit)) else {
      return .status(.malformed, "ContentOpen.credit: expected 1 to \(Limits.maximumCredit)")
    }
    if let size = source.size, message.offset > size { return .status(.malformed, "ContentOpen.offset: the content has \(size) bytes") }
    let sender = ContentSender(
      size: source.size, offset: message.offset, length: message.length, credit: Int(message.credit), maxChunk: Self.chunk(peer))
    let stream = Stream(number: message.stream, source: source, sender: sender)
    let fits = streams.withLock { streams in
      guard streams.alive < Limits.streams, streams.open[message.stream] == nil else { return false }
      streams.open[message.stream] = stream
      streams.alive += 1
      return true
    }
    guard fits else { return .status(.busy, "the stream number is taken, or \(Limits.streams) streams are open") }
    var opened = Cpns_V1_ContentOpened()
    opened.stream = message.stream
    if let size = source.size { opened.size = size }
    var reply = Reply.message(.contentOpened, opened)
    reply.afterwards = { [begin] in begin.yield(stream) }
    return reply
  }

  package func grant(_ credit: Cpns_V1_ContentCredit) {
    guard let stream = streams.withLock({ $0.open[credit.stream] }) else { return }
    do {
      try stream.machine.withLock { (machine) throws(ContentFlowError) in try machine.grant(Int(credit.bytes)) }
      stream.wake.yield()
    } catch {
      close(credit.stream)
    }
  }

  package func close(_ number: UInt32) {
    streams.withLock { $0.open.removeValue(forKey: number) }?.wake.finish()
  }

  private static func chunk(_ peer: Peer) -> Int {
    let wanted = peer.maxChunk < smallestChunk ? Limits.chunk : min(peer.maxChunk, Limits.chunk)
    return peer.maxFrame < smallestChunk + envelopeBytes ? wanted : min(wanted, peer.maxFrame - envelopeBytes)
  }

  // MARK: Sending

  /// Sends until the link ends: one child for each open stream.
  package func run(over session: Session) async {
    await withDiscardingTaskGroup { group in
      for await stream in begun { group.addTask { await self.send(stream, over: session) } }
      group.cancelAll()
    }
  }

  private func isOpen(_ stream: Stream) -> Bool { streams.withLock { $0.open[stream.number] === stream } }

  /// The number may be another stream's by now.
  private func end(_ stream: Stream) {
    streams.withLock { streams in
      if streams.open[stream.number] === stream { streams.open[stream.number] = nil }
      streams.alive -= 1
    }
  }

  private func send(_ stream: Stream, over session: Session) async {
    defer { end(stream) }
    do {
      while isOpen(stream), !stream.machine.withLock({ $0.isFinished }) {
        if stream.machine.withLock({ $0.needsEmptyEnd }) { return try await finish(stream, over: session) }
        guard let wanted = stream.machine.withLock({ $0.nextRead() }) else {
          for await _ in stream.wakes { break }
          if Task.isCancelled { return }
          continue
        }
        try await chunk(stream, wanted.offset, wanted.count, over: session)
      }
    } catch let error as OutgoingError {
      var message = Cpns_V1_ContentClose()
      message.stream = stream.number
      message.reason = error.reason
      try? await session.notify(.contentClose, message.bytes)  // the link may be what failed
    } catch {
      logger.debug("content not sent", metadata: ["stream": "\(stream.number)", "error": "\(error)"])
    }
  }

  private func chunk(_ stream: Stream, _ offset: UInt64, _ wanted: Int, over session: Session) async throws {
    let bytes = try await stream.source.bytes(at: offset, upTo: wanted)
    guard isOpen(stream) else { return }
    guard !bytes.isEmpty else { return try await finish(stream, over: session) }
    let last = stream.machine.withLock { $0.isLast(bytes.count) }
    try await send(stream.number, offset, bytes, last, over: session)
    stream.machine.withLock { $0.didSend(bytes.count) }
  }

  private func finish(_ stream: Stream, over session: Session) async throws {
    let offset = stream.machine.withLock { machine in
      machine.reachedEnd()
      return machine.offset
    }
    try await send(stream.number, offset, [], true, over: session)
  }

  private func send(_ number: UInt32, _ offset: UInt64, _ bytes: [UInt8], _ last: Bool, over session: Session) async throws(SessionError) {
    var message = Cpns_V1_ContentChunk()
    message.stream = number
    message.offset = offset
    message.data = Data(bytes)
    message.last = last
    try await session.notify(.contentChunk, message.bytes)
  }
}
