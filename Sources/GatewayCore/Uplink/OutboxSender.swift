import CPNSMessages
import CPNSModel
import CPNSSession
import Logging
import Synchronization

/// Empties the outbox over an uplink: oldest first, one at a time, each gone only when the server has it.
///
///     read a batch ──▶ send each ──answered──▶ acknowledge ──▶ read … ──empty──▶ is the server's revision ours? ──▶ wait for a wake
///                        │ the server asks for the whole inventory: send that first
///
/// In order, because inventory changes build on each other, but for one thing: what happens while the link stands goes before what piled up
/// while there was none. A server that is so told of an inventory that it does not know asks for the whole of it, and what piled up is
/// old news then.
///
///     outbox:  │ 1 2 3 …            piled up │ … what happens now │
///              └─ a batch, then look right ──┴─▶ first ───────────┘
///
/// A message that the server will never take is logged, raised
/// as a warning and dropped: it would hold up all that come after it for ever.
package struct OutboxSender: Sendable {
  /// Messages read from disk at once.
  private static let batch = 64
  /// What an envelope needs beside its body: ids, kind, deadline.
  private static let envelopeBytes = 512
  /// Pause before the next try when the server asks to wait, or the disk fails; doubled each time up to ``longestPause``.
  private static let pause = Duration.seconds(1)
  private static let longestPause = Duration.seconds(30)
  /// Tries after which a person is told that the server does not take a message.
  private static let triesBeforeWarning = 10

  let store: any GatewayStore
  let signal: OutboxSignal
  let inventory: PNInventory
  let health: HealthBoard
  let timer: any Clock<Duration>
  let logger: Logger

  /// Returns when the link is lost or the task is cancelled.
  func drain(over session: Session, to peer: Peer) async {
    let wakes = signal.wakes()
    // A store that can't say it now is one in which everything goes in order.
    let link = Uplink(session: session, peer: peer, pile: (try? await store.lastSequence()) ?? 0)
    do throws(Interruption) {
      try await keepTrying { () throws(Interruption) in try await empty(over: link) }
      for await _ in wakes { try await keepTrying { () throws(Interruption) in try await empty(over: link) } }
    } catch {
      logger.debug("outbox rests", metadata: ["why": "\(error)"])
    }
  }

  /// One link, and the revision of the inventory that the server was last heard to have.
  private final class Uplink: Sendable {
    let session: Session
    let peer: Peer
    /// The last message that piled up before this link; 0: all that did are gone.
    private let pile: Atomic<Int64>
    private let revision = Mutex<UInt64?>(nil)
    private let checked = Atomic<Bool>(false)

    init(session: Session, peer: Peer, pile: Int64) {
      self.session = session
      self.peer = peer
      self.pile = Atomic(pile)
    }
    var pileEnd: Int64 { pile.load(ordering: .relaxed) }
    func pileIsGone() { pile.store(0, ordering: .relaxed) }
    var theirs: UInt64? {
      get { revision.withLock { $0 } }
      set { revision.withLock { $0 = newValue } }
    }
    /// Whether this is the first time that it is asked for the server's revision.
    func mayCheck() -> Bool { !checked.exchange(true, ordering: .relaxed) }
    /// Bytes of a body that the server takes.
    var room: Int { (peer.maxFrame > 0 ? min(peer.maxFrame, Limits.frame) : Limits.frame) - OutboxSender.envelopeBytes }
  }

  private enum Interruption: Error {
    case linkLost
    /// This server is not the one that the messages are for.
    case otherServer
    /// It may go better later, on the same link.
    case notNow(String)
  }

  // MARK: Emptying

  private func keepTrying(_ body: () async throws(Interruption) -> Void) async throws(Interruption) {
    var wait = Self.pause
    while true {
      do throws(Interruption) { return try await body() } catch {
        guard case .notNow(let why) = error else { throw error }
        logger.info("outbox waits", metadata: ["why": "\(why)"])
      }
      do { try await timer.sleep(for: wait) } catch { throw .linkLost }
      wait = min(wait * 2, Self.longestPause)
    }
  }

  private func empty(over link: Uplink) async throws(Interruption) {
    while true {
      // Read before the outbox: what has this revision or less is in there, or was taken.
      let ours = await inventory.network.revision
      let (messages, after) = try await next(of: link)
      if Task.isCancelled { throw .linkLost }
      if messages.isEmpty {
        await inventory.toldAll()
        if try await agrees(ours, over: link) { return }
      } else {
        try await send(messages, after: after, over: link)
      }
    }
  }

  /// - Returns: the messages to be sent next, and the sequence that they come after.
  private func next(of link: Uplink) async throws(Interruption) -> ([OutboxMessage], after: Int64) {
    let pile = link.pileEnd
    if pile > 0 {
      let live = try await read(after: pile)
      if !live.isEmpty { return (live, pile) }
    }
    let oldest = try await read(after: 0)
    guard let first = oldest.first?.sequence, first <= pile else {
      link.pileIsGone()
      return (oldest, 0)
    }
    return (oldest.filter { $0.sequence <= pile }, 0)
  }

  private func read(after sequence: Int64) async throws(Interruption) -> [OutboxMessage] {
    do { return try await store.outbox(after: sequence, limit: Self.batch) } catch { throw .notNow("the outbox can't be read: \(error)") }
  }

  /// What was taken is acknowledged in one transaction, also when the link is lost in the middle of it.
  private func send(_ messages: [OutboxMessage], after: Int64, over link: Uplink) async throws(Interruption) {
    var taken: Int64?
    var interruption: Interruption?
    for message in messages {
      do throws(Interruption) { try await deliver(message, over: link) } catch {
        interruption = error
        break
      }
      taken = message.sequence
    }
    if let taken {
      do { try await store.commit([.acknowledge(after: after, upTo: taken)]) } catch { interruption = interruption ?? .notNow("the outbox can't be trimmed: \(error)") }
    }
    if let interruption { throw interruption }
  }

  // MARK: One message

  /// Returns when the server has it, or will never take it.
  private func deliver(_ message: OutboxMessage, over link: Uplink) async throws(Interruption) {
    let kind = Cpns_V1_Kind(rawValue: message.draft.kind) ?? .unspecified
    for number in 1... {
      do throws(Answer) {
        let answer = try await ask(kind, message.draft.body, message.draft.idempotency, over: link)
        try await settle(answer, kind, over: link)
        return health.clear(.outboxMessageRefused, subject: "waiting")
      } catch {
        switch error {
        case .interrupted(let interruption): throw interruption
        case .never(let why): return refused(kind, why)
        case .later(let why): try await hold(kind, why, number)
        }
      }
    }
  }

  private enum Answer: Error {
    case interrupted(Interruption)
    case later(String)
    case never(String)
  }

  private func ask(_ kind: Cpns_V1_Kind, _ body: [UInt8], _ idempotency: IdempotencyID, over link: Uplink) async throws(Answer) -> Cpns_V1_Envelope {
    let network = await inventory.network
    guard network.serverID == link.peer.entity else { throw .interrupted(.otherServer) }
    guard body.count <= link.room else { throw .never("it has \(body.count) bytes, the server takes \(link.room)") }
    do throws(SessionError) {
      return try await link.session.request(kind, body, pn: network.id, idempotency: idempotency, deadline: .seconds(30))
    } catch .refused(let code, let detail) {
      throw code.mayRetry ? .later("\(code): \(detail)") : .never("\(code): \(detail)")
    } catch .timedOut {
      throw .later("no answer in time")
    } catch .busy {
      throw .later("too much is under way")
    } catch {
      throw .interrupted(.linkLost)
    }
  }

  private func settle(_ answer: Cpns_V1_Envelope, _ kind: Cpns_V1_Kind, over link: Uplink) async throws(Answer) {
    guard kind == .inventoryChanges || kind == .inventorySnapshot else { return }
    guard answer.kind == .inventoryResult, let result = try? answer.decoded(as: Cpns_V1_InventoryResult.self) else {
      throw .never("it was answered with \(answer.kind)")
    }
    link.theirs = result.revision
    guard result.needsSnapshot else { return }
    logger.info("server asks for the whole inventory", metadata: ["revision": "\(result.revision)"])
    try await sendWhole(above: result.revision, over: link)
  }

  private func sendWhole(above theirs: UInt64, over link: Uplink) async throws(Answer) {
    let messages: [InventoryMessage]
    do { messages = try await inventory.snapshot(above: theirs, upTo: link.room / 2) } catch { throw .later("the disk: \(error)") }
    for message in messages {
      let answer = try await ask(message.kind, message.body, .random(), over: link)
      guard answer.kind == .inventoryResult, let result = try? answer.decoded(as: Cpns_V1_InventoryResult.self),
        !result.needsSnapshot, result.revision == message.revision
      else {
        throw .later("the server did not take the whole inventory")
      }
      link.theirs = result.revision
    }
  }

  private func hold(_ kind: Cpns_V1_Kind, _ why: String, _ tries: Int) async throws(Interruption) {
    logger.info("server asks to wait", metadata: ["kind": "\(kind)", "why": "\(why)", "tries": "\(tries)"])
    if tries == Self.triesBeforeWarning {
      health.raise(HealthWarning(
        .outboxMessageRefused, .warning, subject: "waiting", cause: "the server does not take \(kind), and all that comes after it waits: \(why)",
        nextStep: "see the server's log"))
    }
    do { try await timer.sleep(for: min(Self.pause * (1 << min(tries - 1, 10)), Self.longestPause)) } catch { throw .linkLost }
  }

  private func refused(_ kind: Cpns_V1_Kind, _ why: String) {
    logger.error("server refused a message for good", metadata: ["kind": "\(kind)", "why": "\(why)"])
    health.raise(HealthWarning(
      .outboxMessageRefused, .warning, cause: "the server refused \(kind): \(why)", nextStep: "compare the versions of pngwd and cpnsd"))
  }

  // MARK: Agreement

  /// The outbox is empty: whether the server has our revision, as far as we have heard on this link. A backup that was restored on either
  /// side, a message that was dropped or left out shows here, and is made good by the whole inventory.
  /// - Returns: false when there is something to send now.
  private func agrees(_ ours: UInt64, over link: Uplink) async throws(Interruption) -> Bool {
    do throws(Answer) {
      guard await inventory.network.serverID != nil else { return true }
      guard let theirs = link.theirs else {
        guard link.mayCheck() else { return true }
        do { try await inventory.check() } catch { throw .later("the disk: \(error)") }
        return false
      }
      if theirs == ours { return true }
      try await sendWhole(above: theirs, over: link)
      return false
    } catch {
      switch error {
      case .interrupted(let interruption): throw interruption
      case .later(let why): throw .notNow(why)
      case .never(let why):
        refused(.inventorySnapshot, why)
        return true
      }
    }
  }
}
