package import CPNSMessages
package import CPNSModel
import FoundationEssentials
package import Logging
import Synchronization

/// One conversation over one link: Hello, then requests with deadlines, notifications and keep-alives both ways.
///
///     new ──Hello sent──▶ greeting ──Hello taken, admitted──▶ open ──link ends──▶ over
///                            │ anything else, 10 s               │ silence
///                            └──────────▶ over ◀────────────────┘
///
/// The session is not the peer: a core keeps what it knows of an entity elsewhere and may see many sessions of it.
package actor Session {
  package nonisolated let id: Int
  package private(set) var peer: Peer?

  let link: any Link
  package nonisolated let local: LocalEntity
  let handler: any SessionHandler
  let logger: Logger
  let clock: any Clock<Duration>

  private var waiting: [IdempotencyID: AsyncStream<Result<Cpns_V1_Envelope, SessionError>>.Continuation] = [:]
  private var inFlight = 0
  private var isOver = false
  private var heardFromPeer = true
  /// Of our Hello, which a refusal may answer after the peer's own.
  var greeting: Data?

  package init(
    link: any Link, local: LocalEntity, handler: any SessionHandler, logger: Logger, clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.id = Self.counter.add(1, ordering: .relaxed).newValue
    self.link = link
    self.local = local
    self.handler = handler
    self.logger = logger
    self.clock = clock
  }

  private static let counter = Atomic<Int>(0)

  // MARK: Life

  /// The whole life of the link, from Hello to its end.
  ///
  /// `ready` runs beside the read loop, so it may send requests; the session ends when the link does, not when `ready` returns.
  /// - Throws: why it ended, unless the peer closed it in good order or the task was cancelled.
  package func run(ready: @escaping @Sendable (Session, Peer) async -> Void) async throws(SessionError) {
    let outcome = await live(ready)
    await end(outcome)
    if let error = outcome { throw error }
  }

  package func close() async { await link.close() }

  private func live(_ ready: @escaping @Sendable (Session, Peer) async -> Void) async -> SessionError? {
    do {
      let met = try await greet()
      peer = met
      link.accept(framesUpTo: Limits.frame)
      return await converse(with: met, ready)
    } catch {
      return error
    }
  }

  private func end(_ outcome: SessionError?) async {
    isOver = true
    let reason = outcome ?? .lost("the link was closed")
    for place in waiting.values { place.yield(.failure(reason)) }
    waiting.removeAll()
    await link.close()
  }

  private func converse(with peer: Peer, _ ready: @escaping @Sendable (Session, Peer) async -> Void) async -> SessionError? {
    await withTaskGroup(of: SessionError?.self) { group in
      group.addTask { await self.read(from: peer) }
      group.addTask { await self.keepAlive() }
      group.addTask {
        await ready(self, peer)
        return await self.untilCancelled()
      }
      let first = await group.next() ?? nil
      // Whoever ended first ends the rest; the reader wakes because the link closes.
      await self.end(first)
      group.cancelAll()
      return first
    }
  }

  /// Parks a child that has nothing more to do, so that only the link's end ends the group.
  private func untilCancelled() async -> SessionError? {
    let (stream, continuation) = AsyncStream<Never>.makeStream()
    for await _ in stream {}
    withExtendedLifetime(continuation) {}
    return nil
  }

  // MARK: Reading

  private func read(from peer: Peer) async -> SessionError? {
    await withDiscardingTaskGroup(returning: SessionError?.self) { requests in
      let outcome = await readUntilTheEnd(from: peer, &requests)
      // Handlers that wait for an answer on this link will get none.
      await end(outcome)
      requests.cancelAll()
      return outcome
    }
  }

  private func readUntilTheEnd(from peer: Peer, _ requests: inout DiscardingTaskGroup) async -> SessionError? {
    while true {
      do {
        guard let envelope = try await link.receive() else { return nil }
        heardFromPeer = true
        try await take(envelope, from: peer, &requests)
      } catch let error as LinkError {
        return isOver ? nil : SessionError(error)
      } catch let error as SessionError {
        return error
      } catch {
        return .lost("\(error)")
      }
    }
  }

  private func take(_ envelope: Cpns_V1_Envelope, from peer: Peer, _ requests: inout DiscardingTaskGroup) async throws(SessionError) {
    if !envelope.correlationID.isEmpty { return try answer(envelope) }
    let way: Session?
    switch await disposition(of: envelope, from: peer) {
    case .refuse(let refusal):
      logger.info("message refused", metadata: ["kind": "\(envelope.kind)", "peer": "\(peer.entity)", "status": "\(refusal.code)"])
      if envelope.expectsReply { try await reply(.message(.status, refusal), to: envelope) }
      return
    case .handle: way = nil
    case .onward(let session): way = session
    }
    if envelope.kind == .keepAlive { return try await reply(.status(.ok), to: envelope) }
    guard envelope.expectsReply else {
      guard let way else { return await handler.received(envelope, on: self) }
      do { _ = try await way.pass(envelope) } catch { logger.debug("notification not passed on", metadata: ["error": "\(error)"]) }
      return
    }
    guard inFlight < Limits.requests else {
      return try await reply(.status(.busy, "\(Limits.requests) requests are unanswered already"), to: envelope)
    }
    inFlight += 1
    requests.addTask {
      if let way { await self.relay(envelope, over: way) } else { await self.serve(envelope) }
    }
  }

  private func serve(_ request: Cpns_V1_Envelope) async {
    let answer = await handler.respond(to: request, on: self)
    // It counts until its answer has left: a peer that never reads must not pile up answers here.
    defer { inFlight -= 1 }
    do {
      try await reply(answer, to: request)
      answer.afterwards?()
    } catch {
      logger.debug("answer not sent", metadata: ["kind": "\(request.kind)", "error": "\(error)"])
    }
  }

  private func answer(_ envelope: Cpns_V1_Envelope) throws(SessionError) {
    if envelope.correlationID == greeting { throw refusedByPeer(envelope) }
    guard let id = IdempotencyID(bytes: Array(envelope.correlationID)), let place = waiting[id] else { return }
    place.yield(.success(envelope))
  }

  private func relay(_ request: Cpns_V1_Envelope, over way: Session) async {
    defer { inFlight -= 1 }
    do throws(SessionError) {
      let answer: Cpns_V1_Envelope
      do throws(SessionError) {
        guard let got = try await way.pass(request) else { return }
        answer = got
      } catch {
        return try await reply(.message(.status, error.statusForOrigin), to: request)
      }
      try await send(answer)
    } catch {
      logger.debug("answer not passed on", metadata: ["kind": "\(request.kind)", "error": "\(error)"])
    }
  }

  // MARK: Writing

  /// Sends a request and waits for its answer.
  /// - Parameters:
  ///   - idempotency: on everything that changes state, so that it may be sent again.
  ///   - deadline: 1 ms to 120 s.
  /// - Throws: ``SessionError/refused(code:detail:)`` for a Status other than OK.
  package func request(
    _ kind: Cpns_V1_Kind, _ body: [UInt8], target: EntityID? = nil, pn: PNID? = nil, idempotency: IdempotencyID? = nil,
    deadline: Duration = .seconds(10)
  ) async throws(SessionError) -> Cpns_V1_Envelope {
    var envelope = envelope(kind, body)
    address(&envelope, to: target)
    envelope.pnID = pn?.urn ?? ""
    envelope.idempotencyID = Data(idempotency?.bytes ?? [])
    envelope.deadlineMs = deadline.milliseconds
    let answer = try await exchange(envelope, deadline).get()
    guard answer.kind == .status else { return answer }
    let status: Cpns_V1_Status
    do { status = try answer.decoded() } catch { throw .malformed(error.description) }
    guard status.code == .ok else { throw .refused(code: status.code, detail: status.detail) }
    return answer
  }

  package func notify(_ kind: Cpns_V1_Kind, _ body: [UInt8], target: EntityID? = nil) async throws(SessionError) {
    var envelope = envelope(kind, body)
    address(&envelope, to: target)
    try await send(envelope)
  }

  /// An entity that is not the other end of the link is reached by relays.
  private func address(_ envelope: inout Cpns_V1_Envelope, to target: EntityID?) {
    envelope.target = target?.urn ?? ""
    envelope.hopLimit = target == nil || target == peer?.entity ? 0 : UInt32(Limits.hops)
  }

  /// More than the peer lets us have open would only wait there.
  private static let maximumWaiting = 256

  func exchange(_ envelope: Cpns_V1_Envelope, _ deadline: Duration) async -> Result<Cpns_V1_Envelope, SessionError> {
    guard let id = IdempotencyID(bytes: Array(envelope.messageID)), !isOver else { return .failure(.lost("the link is closed")) }
    // Numbers of relayed messages are others' choice: one that is taken would get another's answer.
    guard waiting.count < Self.maximumWaiting, waiting[id] == nil else { return .failure(.busy) }
    // The answer may come before `send` returns, so the place for it is made first.
    let (answers, place) = AsyncStream<Result<Cpns_V1_Envelope, SessionError>>.makeStream(bufferingPolicy: .bufferingOldest(1))
    waiting[id] = place
    defer { waiting.removeValue(forKey: id) }
    return await withTaskGroup(of: Result<Cpns_V1_Envelope, SessionError>?.self) { group in
      group.addTask { await answers.first { _ in true } ?? .failure(.lost("cancelled")) }
      group.addTask { [clock] in
        do { try await clock.sleep(for: deadline) } catch { return nil }
        return .failure(.timedOut)
      }
      // In a child, because a peer that does not read holds it up, and the deadline is for that too.
      group.addTask {
        do throws(SessionError) { try await self.send(envelope) } catch { place.yield(.failure(error)) }
        return nil
      }
      defer { group.cancelAll() }
      for await outcome in group { if let outcome { return outcome } }
      return .failure(.lost("cancelled"))
    }
  }

  private func reply(_ reply: Reply, to request: Cpns_V1_Envelope) async throws(SessionError) {
    var envelope = envelope(reply.kind, reply.body)
    envelope.correlationID = request.messageID
    envelope.target = request.origin
    envelope.pnID = request.pnID
    try await send(envelope)
  }

  func send(_ envelope: Cpns_V1_Envelope) async throws(SessionError) {
    do { try await link.send(envelope) } catch { throw SessionError(error) }
  }

  func envelope(_ kind: Cpns_V1_Kind, _ body: [UInt8]) -> Cpns_V1_Envelope {
    var envelope = Cpns_V1_Envelope()
    envelope.messageID = Data(IdempotencyID.random().bytes)
    envelope.origin = local.id.urn
    envelope.kind = kind
    envelope.body = Data(body)
    return envelope
  }

  // MARK: Keep-alive

  /// Asks after a third of the allowed silence; a peer that does not answer in the rest of it is gone.
  private func keepAlive() async -> SessionError? {
    let third = local.maxSilence / 3
    while true {
      heardFromPeer = false
      do { try await clock.sleep(for: third) } catch { return nil }
      if heardFromPeer { continue }
      do {
        _ = try await request(.keepAlive, Cpns_V1_KeepAlive().bytes, deadline: third * 2)
      } catch .timedOut where heardFromPeer {
        // Its answer stands behind something long; what came says that it is there.
      } catch .timedOut {
        return .lost("nothing heard for \(local.maxSilence)")
      } catch .refused {
        // It answered: that is what was asked.
      } catch {
        return error
      }
    }
  }
}

extension SessionError {
  init(_ error: LinkError) {
    self =
      switch error {
      case .malformed(let text): .malformed(text)
      case .tooLarge(let bytes, let limit): .malformed("\(bytes) bytes, the peer takes \(limit)")
      case .unreachable(let text), .untrusted(let text), .lost(let text): .lost(text)
      }
  }
}

extension Duration {
  /// Whole milliseconds, as messages have them.
  var milliseconds: UInt32 {
    let (seconds, attoseconds) = components
    return UInt32(clamping: seconds.multipliedReportingOverflow(by: 1000).partialValue + attoseconds / 1_000_000_000_000_000)
  }
}
