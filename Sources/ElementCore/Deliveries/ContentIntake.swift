import CPNSMessages
import CPNSModel
import CPNSSession
import Logging

/// Brings one content from the gateway into the inbox, verified.
struct ContentIntake: Sendable {
  enum Failure: Error {
    /// Later, on this link or on the next, from where it is now.
    case interrupted(String)
    /// In a word, and in a sentence, for the result.
    case final(reason: String, detail: String)
  }
  private typealias Pull = ContentPull<InboxError>

  /// Progress is told every so many bytes.
  private static let progressStep: UInt64 = 1 << 20

  let order: DeliveryOrder
  let incoming: any IncomingContent
  let session: Session
  let streams: ContentStreams
  let logger: Logger

  /// What is not what was announced is fetched once more, from the start: a power cut may have torn off what an earlier run wrote.
  func run() async throws(Failure) -> ReceivedContent {
    do throws(Pull.Failure) {
      return try await once()
    } catch {
      guard case .sink(.mismatch(let why)) = error else { throw Self.meaning(error) }
      logger.warning("content is fetched again", metadata: ["content": "\(order.content.id)", "why": "\(why)"])
    }
    do { try await incoming.restart() } catch { throw Self.final(error) }
    do throws(Pull.Failure) { return try await once() } catch { throw Self.meaning(error) }
  }

  private func once() async throws(Pull.Failure) -> ReceivedContent {
    let begin = await incoming.available
    // All may be there from before, when we died on the last step.
    if await !incoming.isWhole, begin != order.content.size || begin == 0 {
      try await Pull(session: session, streams: streams).run(order, from: begin) { (bytes, offset) async throws(InboxError) in
        try await take(bytes, at: offset)
      }
    }
    do { return try await incoming.finish() } catch { throw .sink(error) }
  }

  private func take(_ bytes: [UInt8], at offset: UInt64) async throws(InboxError) {
    let (end, overflows) = offset.addingReportingOverflow(UInt64(bytes.count))
    if overflows || end > order.content.size ?? .max { throw .mismatch("more than the announced \(order.content.size ?? 0) bytes came") }
    try await incoming.append(bytes, at: offset)
    if end / Self.progressStep > offset / Self.progressStep { await tellProgress(end) }
  }

  private func tellProgress(_ bytes: UInt64) async {
    var progress = Cpns_V1_DeliveryProgress()
    progress.deliveryID = order.id.urn
    progress.bytes = bytes
    progress.state = .fetching
    do { try await session.notify(.deliveryProgress, progress.bytes) } catch {}  // may be lost: the next chunk tells of a lost link
  }

  private static func meaning(_ error: Pull.Failure) -> Failure {
    switch error {
    case .interrupted(let why): .interrupted(why)
    case .refused(let detail): .final(reason: "content-gone", detail: detail)
    case .sink(let error): final(error)
    }
  }

  static func final(_ error: InboxError) -> Failure {
    switch error {
    case .full(let why): .final(reason: "no-room", detail: why)
    case .io(let why): .final(reason: "storage", detail: why)
    case .mismatch(let why): .final(reason: "hash-mismatch", detail: why)
    }
  }
}
