import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession
import FoundationEssentials
import Logging
import Synchronization

/// Contents that one PNE pulls from us over one link, each under its own credit.
final class OutgoingContent: Sendable {
  private final class Stream: Sendable {
    let number: UInt32
    let stage: any StagedContent
    let machine: Mutex<ContentSender>
    let wakes: AsyncStream<Void>
    let wake: AsyncStream<Void>.Continuation

    init(number: UInt32, stage: any StagedContent, sender: ContentSender) {
      self.number = number
      self.stage = stage
      self.machine = Mutex(sender)
      (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }
  }

  private let streams = Mutex<[UInt32: Stream]>([:])
  private let begun: AsyncStream<UInt32>
  private let begin: AsyncStream<UInt32>.Continuation
  private let logger: Logger

  init(logger: Logger) {
    self.logger = logger
    (begun, begin) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Limits.streams))
  }

  /// - Returns: false when the number is taken or ``Limits/streams`` are open.
  func open(_ message: Cpns_V1_ContentOpen, _ stage: any StagedContent, maxChunk: Int) -> Bool {
    let sender = ContentSender(
      size: stage.description.size, offset: message.offset, length: message.length, credit: Int(message.credit), maxChunk: maxChunk)
    let stream = Stream(number: message.stream, stage: stage, sender: sender)
    let fits = streams.withLock { streams in
      guard streams.count < Limits.streams, streams[message.stream] == nil else { return false }
      streams[message.stream] = stream
      return true
    }
    if fits { begin.yield(message.stream) }
    return fits
  }

  func grant(_ credit: Cpns_V1_ContentCredit) {
    guard let stream = streams.withLock({ $0[credit.stream] }) else { return }
    do {
      try stream.machine.withLock { (machine) throws(ContentFlowError) in try machine.grant(Int(credit.bytes)) }
      stream.wake.yield()
    } catch {
      close(credit.stream)
    }
  }

  func close(_ number: UInt32) {
    streams.withLock { $0.removeValue(forKey: number) }?.wake.finish()
  }

  /// Sends until the link ends: one child for each open stream.
  func run(over session: Session) async {
    await withDiscardingTaskGroup { group in
      for await number in begun {
        guard let stream = streams.withLock({ $0[number] }) else { continue }
        group.addTask { await self.send(stream, over: session) }
      }
      group.cancelAll()
    }
  }

  private func send(_ stream: Stream, over session: Session) async {
    defer { close(stream.number) }
    do {
      while !stream.machine.withLock({ $0.isFinished }) {
        if stream.machine.withLock({ $0.needsEmptyEnd }) { return try await end(stream, over: session) }
        guard let wanted = stream.machine.withLock({ $0.nextRead() }) else {
          for await _ in stream.wakes { break }
          if Task.isCancelled || streams.withLock({ $0[stream.number] == nil }) { return }
          continue
        }
        try await chunk(stream, wanted.offset, wanted.count, over: session)
      }
    } catch let error as StageError {
      var message = Cpns_V1_ContentClose()
      message.stream = stream.number
      message.reason = "\(error)"
      try? await session.notify(.contentClose, message.bytes)  // the link may be what failed
    } catch {
      logger.debug("content not sent", metadata: ["stream": "\(stream.number)", "error": "\(error)"])
    }
  }

  private func chunk(_ stream: Stream, _ offset: UInt64, _ wanted: Int, over session: Session) async throws {
    let available = try await stream.stage.waitForBytes(past: offset)
    guard available > offset else { return try await end(stream, over: session) }
    let bytes = try await stream.stage.read(at: offset, count: Int(min(UInt64(wanted), available - offset)))
    let last = stream.machine.withLock { $0.isLast(bytes.count) }
    try await send(stream.number, offset, bytes, last, over: session)
    stream.machine.withLock { $0.didSend(bytes.count) }
  }

  private func end(_ stream: Stream, over session: Session) async throws {
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
