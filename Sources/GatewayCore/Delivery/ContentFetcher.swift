import CPNSModel
import CPNSSession
import Logging
import MediaProtocol

/// Brings a content into its stage, from wherever it is, through as many lost links as it takes.
struct ContentFetcher: Sendable {
  enum Failure: Error, Equatable {
    /// In a word, and in a sentence, for the delivery's result.
    case final(reason: String, detail: String)
    case cancelled
  }

  /// Tries in a row that brought nothing over an uplink that stands.
  private static let serverTries = 30
  /// A server that has said yes and sends nothing for so long is asked again.
  private static let longestStall = Duration.seconds(120)
  /// Tries to read from a media server that fails.
  private static let mediaServerTries = 5

  let uplink: UplinkService
  let fetching: any MediaFetching
  let proxy: NonCPNSProxy
  let timer: any Clock<Duration>
  let logger: Logger

  /// Returns when the content is whole and was verified.
  func fetch(_ record: DeliveryRecord, into stage: any StagedContent, progress: @escaping @Sendable (UInt64) async -> Void) async throws(Failure) {
    if stage.isWhole { return }
    var restarted = false
    while true {
      switch record.source {
      case .server: try await pull(record.order, into: stage, progress)
      case .mediaServer(let element, let url): try await read(url, of: element, into: stage, progress)
      // Evicted, or torn by a power cut: nobody has it any more but who pushed it.
      case .staged: throw .final(reason: "content-gone", detail: "what was pushed is not staged any more; push it again")
      }
      do throws(StageError) {
        try await stage.finish()
        return
      } catch .mismatch(let detail) where restarted {
        throw .final(reason: "hash-mismatch", detail: detail)
      } catch .mismatch(let detail) {
        logger.warning("content is fetched again", metadata: ["content": "\(record.order.content.id)", "why": "\(detail)"])
        restarted = true
        do { try await stage.restart() } catch { throw Self.final(error) }
      } catch {
        throw Self.final(error)
      }
    }
  }

  /// Through as many lost links as it takes; on links that stand, as long as something comes.
  private func pull(_ order: DeliveryOrder, into stage: any StagedContent, _ progress: @escaping @Sendable (UInt64) async -> Void) async throws(Failure) {
    var fruitless = 0
    while true {
      guard let session = await uplink.connectedSession() else { throw .cancelled }
      let before = stage.available
      guard let why = try await attempt(order, into: stage, over: session, progress) else { return }
      logger.info("content interrupted", metadata: ["content": "\(order.content.id)", "at": "\(stage.available)", "why": "\(why)"])
      if stage.available != before { fruitless = 0 } else if uplink.session === session { fruitless += 1 }
      if fruitless >= Self.serverTries { throw .final(reason: "content-unreachable", detail: why) }
      // The uplink tells when it is lost; until then this is the pace of tries on a link that stands.
      do { try await timer.sleep(for: .seconds(1)) } catch { throw .cancelled }
    }
  }

  private enum Attempt: Sendable {
    case whole, interrupted(String)
    case failed(Failure)
  }

  /// - Returns: why it was interrupted; nil when all bytes are there.
  private func attempt(
    _ order: DeliveryOrder, into stage: any StagedContent, over session: Session, _ progress: @escaping @Sendable (UInt64) async -> Void
  ) async throws(Failure) -> String? {
    let first: Attempt = await withTaskGroup(of: Attempt.self) { group in
      group.addTask { await self.transfer(order, into: stage, over: session, progress) }
      group.addTask { await self.stall(of: stage) }
      defer { group.cancelAll() }
      return await group.next() ?? .failed(.cancelled)
    }
    switch first {
    case .whole: return nil
    case .interrupted(let why): return why
    case .failed(let failure): throw failure
    }
  }

  private func transfer(
    _ order: DeliveryOrder, into stage: any StagedContent, over session: Session, _ progress: @Sendable (UInt64) async -> Void
  ) async -> Attempt {
    do throws(ContentPull<StageError>.Failure) {
      try await ContentPull(session: session, streams: uplink.streams).run(order, from: stage.available) {
        (bytes, offset) async throws(StageError) in
        try await stage.append(bytes, at: offset)
        await progress(stage.available)
      }
      return .whole
    } catch {
      return switch error {
      case .interrupted(let why): .interrupted(why)
      case .refused(let detail): .failed(.final(reason: "content-gone", detail: detail))
      // Another delivery of the same content has begun it anew.
      case .sink(.outOfOrder): .interrupted("the content begins anew")
      case .sink(let error): .failed(Self.final(error))
      }
    }
  }

  /// Returns when nothing has come for a while.
  private func stall(of stage: any StagedContent) async -> Attempt {
    var last = stage.available
    while true {
      do { try await timer.sleep(for: Self.longestStall) } catch { return .failed(.cancelled) }
      if stage.available == last { return .interrupted("nothing came for \(Self.longestStall)") }
      last = stage.available
    }
  }

  private func read(_ url: String, of element: EntityID, into stage: any StagedContent, _ progress: @Sendable (UInt64) async -> Void) async throws(Failure) {
    var last = ""
    for _ in 1...Self.mediaServerTries {
      if let host = await proxy.device(element)?.address {
        do throws(FetchError) {
          _ = try await fetching.fetch(url: url, onlyFrom: host, offset: stage.available) { bytes in
            try await stage.append(bytes, at: stage.available)
            await progress(stage.available)
          }
          return
        } catch .forbidden(let why) {
          throw .final(reason: "content-refused", detail: why)
        } catch .status(let code) where (400..<500).contains(code) {
          throw .final(reason: "content-gone", detail: "the media server answered \(code)")
        } catch {
          last = "\(error)"
        }
      } else {
        last = "the media server is not there"
      }
      do { try await timer.sleep(for: .seconds(2)) } catch { throw .cancelled }
    }
    throw .final(reason: "content-unreachable", detail: last)
  }

  static func final(_ error: StageError) -> Failure {
    switch error {
    case .full(let why): .final(reason: "no-room", detail: why)
    case .io(let why): .final(reason: "storage", detail: why)
    case .mismatch(let why): .final(reason: "hash-mismatch", detail: why)
    case .source(let why): .final(reason: "content-unreachable", detail: why)
    case .outOfOrder(let expected, let got): .final(reason: "storage", detail: "expected offset \(expected), got \(got)")
    }
  }
}
