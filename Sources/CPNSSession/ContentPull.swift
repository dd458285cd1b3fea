import CPNSMessages
package import CPNSModel
import CPNSProcedures

/// Pulls one content over a link into a sink, from where the sink ends (docs/protocol.md, "Content").
package struct ContentPull<SinkError: Error>: Sendable {
  package enum Failure: Error {
    /// The link went, or the holder had to stop: try again on the next link.
    case interrupted(String)
    /// The holder has it not, or will not give it: no use to try again.
    case refused(String)
    case sink(SinkError)
  }

  private let session: Session
  private let streams: ContentStreams

  /// - Parameter streams: those of this session's handler, which hands the chunks over.
  package init(session: Session, streams: ContentStreams) {
    self.session = session
    self.streams = streams
  }

  /// Returns when the last byte is in the sink; nothing is verified yet.
  /// - Parameters:
  ///   - offset: how many bytes are there already.
  ///   - sink: takes bytes at an offset, in order; more credit is given when it returns.
  package func run(
    _ order: DeliveryOrder, from offset: UInt64, sink: @Sendable ([UInt8], UInt64) async throws(SinkError) -> Void
  ) async throws(Failure) {
    guard let (stream, items) = streams.begin() else { throw .interrupted("too many contents are on their way") }
    defer { streams.end(stream) }
    try await open(order, stream, at: offset)
    do throws(Failure) {
      try await take(items, ContentReceiver(offset: offset), stream, sink)
    } catch {
      await giveUp(stream)
      throw error
    }
  }

  private func take(
    _ items: AsyncStream<ContentStreams.Item>, _ from: ContentReceiver, _ stream: UInt32,
    _ sink: @Sendable ([UInt8], UInt64) async throws(SinkError) -> Void
  ) async throws(Failure) {
    var receiver = from
    for await item in items {
      guard case .chunk(let offset, let bytes, let last) = item else { throw interruption(item) }
      let grant = try check(&receiver, offset, bytes.count, last)
      if !bytes.isEmpty {
        do { try await sink(bytes, offset) } catch { throw .sink(error) }
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
    } catch .refused(let code, let detail) {
      throw code.mayRetry ? .interrupted("\(code): \(detail)") : .refused(detail)
    } catch {
      // It may have been opened all the same.
      await giveUp(stream)
      throw .interrupted(error.words)
    }
  }

  private func check(_ receiver: inout ContentReceiver, _ offset: UInt64, _ count: Int, _ last: Bool) throws(Failure) -> Int? {
    do { return try receiver.received(offset: offset, count: count, last: last) } catch { throw .interrupted("the holder broke the flow: \(error)") }
  }

  private func give(_ bytes: Int, _ stream: UInt32) async throws(Failure) {
    var credit = Cpns_V1_ContentCredit()
    credit.stream = stream
    credit.bytes = UInt32(clamping: bytes)
    do { try await session.notify(.contentCredit, credit.bytes) } catch { throw .interrupted(error.words) }
  }

  /// The holder keeps a place for each open stream.
  private func giveUp(_ stream: UInt32) async {
    var close = Cpns_V1_ContentClose()
    close.stream = stream
    close.reason = "the receiver stopped"
    do { try await session.notify(.contentClose, close.bytes) } catch {}  // then the link is what failed
  }

  private func interruption(_ item: ContentStreams.Item) -> Failure {
    if case .closed(let reason) = item { return .interrupted(reason) }
    return .interrupted("the link was lost")
  }
}
