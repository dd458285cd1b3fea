import CPNSMessages
package import CPNSModel
import CPNSProcedures
import CPNSSession
import Logging
import Synchronization

/// The way to the CPNS Server (CPNS-2, CPNS-7): one link, brought up again whenever it is lost.
///
///     not enrolled ──enrolled──▶ connecting ──Hello──▶ connected ──lost──▶ waiting (backoff) ──▶ connecting
///                                    └──refused──▶ waiting
package final class UplinkService: Sendable {
  package enum State: Sendable, Equatable {
    case notEnrolled
    case connecting(server: String)
    case connected(server: String, since: Timestamp)
    case waiting(server: String, why: String)
  }

  package struct Settings: Sendable, Equatable {
    /// From the configuration; empty: what enrolment stored.
    package var server: String
    package var backoffFirst: Duration
    package var backoffLimit: Duration

    package init(server: String, backoffFirst: Duration, backoffLimit: Duration) {
      self.server = server
      self.backoffFirst = backoffFirst
      self.backoffLimit = backoffLimit
    }
  }

  private struct Live {
    var state = State.notEnrolled
    var session: Session?
    /// Since when it is up, down or not enrolled; tries in between do not count.
    var since: Timestamp

    mutating func turn(to next: State, with session: Session? = nil, at now: Timestamp) {
      if state.standing != next.standing { since = now }
      state = next
      self.session = session
    }
  }

  private let settings: Mutex<Settings>
  private let connector: any UplinkConnecting
  private let care: CertificateCare
  private let local: LocalEntity
  private let inventory: PNInventory
  private let outbox: OutboxSender
  private let journal: Journal
  private let health: HealthBoard
  private let clock: WallClock
  private let timer: any Clock<Duration>
  private let logger: Logger
  private let live: Mutex<Live>
  private let rivalry: Rivalry
  /// Says that the state changed: connected, lost.
  private let turns = Broadcast<Void>(capacity: 1)
  /// Says that there is a server, or another one.
  private let enrolments = Broadcast<Void>(capacity: 1)
  let streams = ContentStreams()

  init(
    settings: Settings, connector: any UplinkConnecting, care: CertificateCare, local: LocalEntity, inventory: PNInventory, outbox: OutboxSender,
    journal: Journal, health: HealthBoard, clock: WallClock, timer: any Clock<Duration>, logger: Logger
  ) {
    self.settings = Mutex(settings)
    self.connector = connector
    self.care = care
    self.local = local
    self.inventory = inventory
    self.outbox = outbox
    self.journal = journal
    self.health = health
    self.clock = clock
    self.timer = timer
    self.logger = logger
    live = Mutex(Live(since: clock.now()))
    rivalry = Rivalry(health: health, backoffLimit: settings.backoffLimit)
  }

  package var state: State { live.withLock { $0.state } }
  /// What it is, and since when it is up, down or not enrolled.
  package var stateAndSince: (State, Timestamp) { live.withLock { ($0.state, $0.since) } }
  package var isConnected: Bool { session != nil }
  var session: Session? { live.withLock { $0.session } }

  /// Enrolment has just ended: try at once. A link to the server of before ends.
  func enrolled() async {
    enrolments.send(())
    await session?.close()
  }

  /// Other settings hold from now on, or other files than before: the link is brought up anew.
  package func reconfigure(_ settings: Settings) async {
    self.settings.withLock { $0 = settings }
    let old = live.withLock { live in
      defer { live.session = nil }
      return live.session
    }
    enrolments.send(())
    await old?.close()
  }

  /// - Returns: whether it stands within `limit`.
  package func stands(within limit: Duration) async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
      group.addTask { await self.connectedSession() != nil }
      group.addTask { [timer] in
        try? await timer.sleep(for: limit)  // cancelled: nobody asks any more
        return false
      }
      defer { group.cancelAll() }
      return await group.next() ?? false
    }
  }

  /// Waits until the uplink stands.
  /// - Returns: nil when cancelled.
  func connectedSession() async -> Session? {
    let turns = turns.subscribe()
    if let session { return session }
    for await _ in turns { if let session { return session } }
    return nil
  }

  /// The whole life: until cancelled.
  func run(handler: any SessionHandler) async {
    var pace = settings.withLock { $0 }
    var backoff = ReconnectBackoff(first: pace.backoffFirst, limit: pace.backoffLimit)
    var refusals = 0
    while !Task.isCancelled {
      // Before anything is looked at: what comes in the middle of a try is not missed.
      let enrolments = enrolments.subscribe()
      let settings = settings.withLock { $0 }
      if settings != pace {
        pace = settings
        backoff = ReconnectBackoff(first: settings.backoffFirst, limit: settings.backoffLimit)
      }
      guard let server = await server else {
        enter(.notEnrolled)
        health.raise(HealthWarning(
          .notEnrolled, .notice, cause: "no CPNS Server is known", nextStep: "run `cpnsd claim new` there, then `pngwctl enrol CODE@HOST:PORT` here"))
        for await _ in enrolments { break }
        continue
      }
      health.clear(.notEnrolled)
      await care.recoverIfNeeded(from: server, refusals: refusals)
      let trust = await care.trust()
      let ending = await attempt(server, trust, handler)
      if ending.isProof { backoff.reset() }
      refusals = ending.isRefusal ? refusals + 1 : 0
      if Task.isCancelled { return }
      // A renewed certificate is tried at once: the link was closed for it.
      if trust == .enrolled, await care.trust() == .candidate { continue }
      let wait = backoff.next(random: Double.random(in: 0..<1))
      logger.info("uplink waits", metadata: ["server": "\(server)", "seconds": "\(wait)"])
      await pause(wait, or: enrolments)
    }
  }

  private var server: String? {
    get async {
      let configured = settings.withLock { $0.server }
      return configured.isEmpty ? await inventory.network.server : configured
    }
  }

  /// A link that stood so long proved itself. A server that takes links and drops them is as good as none.
  private static let proof = Duration.seconds(10)

  private struct Ending {
    /// The link proved itself.
    var isProof = false
    /// The server refused us, or we it.
    var isRefusal = false
  }

  private func attempt(_ server: String, _ trust: UplinkTrust, _ handler: any SessionHandler) async -> Ending {
    enter(.connecting(server: server))
    var ending = Ending()
    let session = Mutex<SessionError?>(nil)
    let stood = Mutex<Stopwatch?>(nil)
    do {
      try await connector.withLink(to: server, trust: trust) { link in
        let conversation = Session(link: link, local: self.local, handler: handler, logger: self.logger, clock: self.timer)
        do throws(SessionError) {
          try await conversation.run { session, peer in
            stood.withLock { $0 = Stopwatch(on: self.timer) }
            await self.stands(session, peer, server, trust)
          }
        } catch {
          session.withLock { $0 = error }
        }
      }
      let why = session.withLock { $0 }
      ending.isRefusal = why.map(Self.isRefusal) ?? false
      // Who closes a link to try another certificate is not thrown out.
      let isRenewed = trust == .enrolled ? await care.trust() == .candidate : false
      rivalry.ended(closedByServer: why == nil && !isRenewed && !Task.isCancelled, after: stood.withLock { $0 }?.elapsed)
      let words = why.map(\.words) ?? "the server closed the link"
      await care.ended(trust, words)
      lost(server, words, refused: ending.isRefusal)
    } catch {
      ending.isRefusal = Self.isRefusal(error)
      // A server that was not reached has refused nothing.
      if ending.isRefusal { await care.ended(trust, error.words) }
      lost(server, error.words, refused: ending.isRefusal)
    }
    ending.isProof = stood.withLock { $0 }.map { $0.elapsed >= Self.proof } ?? false
    return ending
  }

  private func stands(_ session: Session, _ peer: Peer, _ server: String, _ trust: UplinkTrust) async {
    let now = clock.now()
    live.withLock { $0.turn(to: .connected(server: server, since: now), with: session, at: now) }
    health.clear(.uplinkDown)
    health.clear(.uplinkRefused)
    journal.tell(.uplinkConnected, "the uplink to \(server) stands", ["server": server, "entity": peer.entity.urn])
    turns.send(())
    await withDiscardingTaskGroup { group in
      group.addTask { [rivalry] in await rivalry.watch() }
      group.addTask { await self.care.watch(trust, over: session) }
      await outbox.drain(over: session, to: peer)
      group.cancelAll()
    }
  }

  private func lost(_ server: String, _ why: String, refused: Bool) {
    // The board first: whoever sees that it waits finds there why.
    health.clear(refused ? .uplinkDown : .uplinkRefused)
    health.raise(HealthWarning(
      refused ? .uplinkRefused : .uplinkDown, .warning, subject: "", cause: why,
      nextStep: refused ? "see that the server's name, certificate and this clock are right" : "see that \(server) is up and can be reached"))
    let now = clock.now()
    let stood = live.withLock { live in
      defer { live.turn(to: .waiting(server: server, why: why), at: now) }
      return live.state.standing == .up
    }
    streams.endAll()
    if stood { journal.tell(.uplinkLost, "the uplink to \(server) is lost: \(why)", ["server": server, "why": why]) }
    logger.warning("uplink down", metadata: ["server": "\(server)", "why": "\(why)"])
    turns.send(())
  }

  private func enter(_ state: State) {
    let now = clock.now()
    live.withLock { $0.turn(to: state, at: now) }
  }

  private func pause(_ wait: Duration, or enrolments: AsyncStream<Void>) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [timer] in try? await timer.sleep(for: wait) }  // cancelled: the loop looks itself
      group.addTask { for await _ in enrolments { return } }
      await group.next()
      group.cancelAll()
    }
  }

  private static func isRefusal(_ error: LinkError) -> Bool {
    if case .untrusted = error { return true }
    return false
  }

  /// It said no, or we did: for a person to mend.
  private static func isRefusal(_ error: SessionError) -> Bool {
    if case .refused = error { return true }
    return false
  }

  static func words(_ error: LinkError) -> String { error.words }
  static func words(_ error: SessionError) -> String { error.words }
}

extension UplinkService.State {
  fileprivate enum Standing { case none, down, up }

  fileprivate var standing: Standing {
    switch self {
    case .notEnrolled: .none
    case .connecting, .waiting: .down
    case .connected: .up
    }
  }
}
