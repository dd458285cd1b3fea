import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession

/// Pulls one content over a link into a stage, from where the stage ends (docs/protocol.md, "Content").
struct ContentPull: Sendable {
  enum Failure: Error, Equatable {
    /// The link went, or the holder had to stop: try again on the next link.
    case interrupted(String)
    /// The holder has it not, or will not give it: no use to try again.
    case refused(String)
    case stage(StageError)
  }

  let session: Session
  let streams: ContentStreams

  /// Returns when all bytes are staged; they are not verified yet.
  func run(_ order: DeliveryOrder, into stage: any StagedContent, progress: @Sendable (UInt64) async -> Void) async throws(Failure) {
    guard let (stream, items) = streams.begin() else { throw .interrupted("too many contents are on their way") }
    defer { streams.end(stream) }
    var receiver = ContentReceiver(offset: stage.available)
    try await open(order, stream, at: stage.available)
    for await item in items {
      guard case .chunk(let offset, let bytes, let last) = item else { throw interruption(item) }
      let grant = try check(&receiver, offset, bytes.count, last)
      if !bytes.isEmpty {
        do { try await stage.append(bytes, at: offset) } catch { throw .stage(error) }
        await progress(receiver.offset)
      }
      if last { return }
      if let grant { try await give(grant, stream) }
    }
    throw .interrupted("the link was lost")
  }

  private func open(_ order: DeliveryOrder, _ stream: UInt32, at offset: UInt64) async throws(Failure) {
    var message = Cpns_V1_ContentOpen()
    message.contentID = order.content.id.urn
    message.deliveryID = order.id.urn
    message.offset = offset
    message.credit = UInt32(Limits.streamCredit)
    message.stream = stream
    do {
      _ = try await session.request(.contentOpen, message.bytes)
    } catch .refused(let code, let detail) where code == .notFound || code == .forbidden {
      throw .refused(detail)
    } catch {
      throw .interrupted("\(error)")
    }
  }

  private func check(_ receiver: inout ContentReceiver, _ offset: UInt64, _ count: Int, _ last: Bool) throws(Failure) -> Int? {
    do { return try receiver.received(offset: offset, count: count, last: last) } catch { throw .interrupted("the holder broke the flow: \(error)") }
  }

  private func give(_ bytes: Int, _ stream: UInt32) async throws(Failure) {
    var credit = Cpns_V1_ContentCredit()
    credit.stream = stream
    credit.bytes = UInt32(clamping: bytes)
    do { try await session.notify(.contentCredit, credit.bytes) } catch { throw .interrupted("\(error)") }
  }

  private func interruption(_ item: ContentStreams.Item) -> Failure {
    if case .closed(let reason) = item { return .interrupted(reason) }
    return .interrupted("the link was lost")
  }
}
