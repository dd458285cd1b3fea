import CPNSMessages
import CPNSModel
import CPNSSession
import FoundationEssentials
import Logging
import Synchronization

/// Sees to it that our certificate never runs out, and gets another one when it has (docs/protocol.md, "Renewal").
///
///     fresh ──a third of its time is left──▶ due ──renewed──▶ on trial ──a link stands with it──▶ in use (fresh)
///                                             ▲                  └──refused──▶ dropped ──a day later──┐
///                                             └──────────────────────────────────────────────────────┘
///     its time is over, or the server says so ──▶ asked for anew on a link without it ──▶ in use (fresh)
///
/// There are two slots: the old certificate is in use until the new one has proved itself, so that a bad one locks nobody out.
struct CertificateCare: Sendable {
  /// How often the certificate is looked at while the uplink stands, and how long after a failure a renewal is tried again.
  private static let period = Duration.seconds(3600)
  /// After a new certificate was asked for: one that is refused must not be asked for again and again.
  private static let rest = Duration.seconds(86_400)
  /// So many refusals one after the other may mean that the server's clock sees our certificate's end before ours does.
  static let refusalsBeforeRecovery = 3

  let connector: any UplinkConnecting
  let credentials: any GatewayCredentials
  let local: LocalEntity
  let inventory: PNInventory
  let time: (any TimeKeeping)?
  let journal: Journal
  let health: HealthBoard
  let clock: WallClock
  let timer: any Clock<Duration>
  let logger: Logger
  private let lastAsked = Asked()

  /// When a new certificate was last asked for, by a clock that nobody sets.
  private final class Asked: Sendable {
    private let watch = Mutex<Stopwatch?>(nil)
    func note(_ timer: any Clock<Duration>) { watch.withLock { $0 = Stopwatch(on: timer) } }
    var isLongAgo: Bool { watch.withLock { $0.map { $0.elapsed >= rest } ?? true } }
  }

  init(
    connector: any UplinkConnecting, credentials: any GatewayCredentials, local: LocalEntity, inventory: PNInventory, time: (any TimeKeeping)?,
    journal: Journal, health: HealthBoard, clock: WallClock, timer: any Clock<Duration>, logger: Logger
  ) {
    self.connector = connector
    self.credentials = credentials
    self.local = local
    self.inventory = inventory
    self.time = time
    self.journal = journal
    self.health = health
    self.clock = clock
    self.timer = timer
    self.logger = logger
  }

  // MARK: Before a link

  /// What to show the server next.
  func trust() async -> UplinkTrust { await credentials.hasCandidate ? .candidate : .enrolled }

  /// Gets a certificate without showing one, when ours is of no use any more.
  /// - Parameter refusals: how often the server has refused us, one after the other.
  func recoverIfNeeded(from server: String, refusals: Int) async {
    guard let times = await credentials.certificate, await !credentials.hasCandidate else { return }
    let isOver = clock.now() > times.end
    if isOver {
      warn(times, "the server is asked for another one")
    } else {
      guard refusals >= Self.refusalsBeforeRecovery, lastAsked.isLongAgo else { return }
      lastAsked.note(timer)
    }
    logger.notice("asking for a certificate without one", metadata: ["server": "\(server)", "end": "\(times.end.milliseconds)", "refusals": "\(refusals)"])
    do throws(Failure) {
      let request = try await request()
      let answer: Cpns_V1_Enrolment
      do throws(ServerQuestion.Failure) {
        answer = try await ServerQuestion(connector: connector, local: local, logger: logger).ask(server, trust: .withoutCertificate, .renewalRequest, request.bytes)
      } catch { throw Failure(error.words) }
      try await keep(answer)
    } catch {
      if isOver { warn(times, error.why) }
      logger.warning("certificate not recovered", metadata: ["server": "\(server)", "why": "\(error.why)"])
    }
  }

  // MARK: On a link

  /// A link stands with what ``trust()`` said. Only an answer proves a new certificate: a server may say Hello before it looks.
  private func prove(_ trust: UplinkTrust, over session: Session) async {
    guard trust == .candidate else { return }
    do throws(SessionError) { _ = try await session.request(.keepAlive, Cpns_V1_KeepAlive().bytes) } catch { return }
    do {
      try await credentials.promote()
      renewed()
      journal.tell(.certificateRenewed, "the renewed certificate is in use", [:])
    } catch {
      logger.error("renewed certificate not put in place", metadata: ["error": "\(error)"])
    }
  }

  /// A link with what ``trust()`` said has ended, or never stood although the server was reached.
  func ended(_ trust: UplinkTrust, _ why: String) async {
    guard trust == .candidate, await credentials.hasCandidate else { return }
    logger.error("renewed certificate refused", metadata: ["why": "\(why)"])
    await credentials.dropCandidate()
    if let times = await credentials.certificate { warn(times, "the server refused the renewed one: \(why)") }
  }

  /// Proves a new certificate, and renews when it is time, for as long as the link stands. Closes it when there is one to be tried.
  func watch(_ trust: UplinkTrust, over session: Session) async {
    await prove(trust, over: session)
    while !Task.isCancelled {
      await witness()
      if let times = await credentials.certificate {
        if times.isDue(at: clock.now()) { if await renew(times, over: session) { return await session.close() } } else { calm() }
      }
      do { try await timer.sleep(for: Self.period) } catch { return }
    }
  }

  private func renew(_ times: CertificateTimes, over session: Session) async -> Bool {
    guard lastAsked.isLongAgo else { return false }
    do throws(Failure) {
      let request = try await request()
      switch await ServerQuestion.exchange(session, .renewalRequest, request.bytes) {
      case .success(let answer): try await keep(answer)
      case .failure(let failure): throw Failure(failure.words)
      }
      lastAsked.note(timer)
      return true
    } catch {
      warn(times, error.why)
      logger.warning("certificate not renewed", metadata: ["why": "\(error.why)"])
      return false
    }
  }

  // MARK: The new one

  private struct Failure: Error {
    let why: String
    init(_ why: String) { self.why = why }
  }

  private func request() async throws(Failure) -> Cpns_V1_RenewalRequest {
    var request = Cpns_V1_RenewalRequest()
    request.entityID = local.id.urn
    do {
      request.certificateRequest = Data(try await credentials.certificateRequest(for: local.id, name: local.name))
    } catch { throw Failure(error.words) }
    return request
  }

  /// Puts it into the second slot; the next link tries it.
  private func keep(_ answer: Cpns_V1_Enrolment) async throws(Failure) {
    guard let id = await inventory.network.serverID, answer.serverID == id.urn else { throw Failure("another server answered") }
    do { try await credentials.stage(chain: answer.certificateChain.map(Array.init)) } catch { throw Failure(error.words) }
    logger.notice("certificate renewed, to be tried")
  }

  // MARK: Telling people

  private func warn(_ times: CertificateTimes, _ why: String) {
    let isOver = clock.now() > times.end
    health.raise(HealthWarning(
      .certificateNotRenewed, isOver ? .error : .warning,
      cause: "our certificate \(isOver ? "ended" : "ends") on \(times.end.iso8601): \(why)",
      nextStep: "see that this clock and the server's are right; if they are, run `cpnsd claim new` there and `pngwctl enrol CODE@HOST:PORT` here"))
  }

  private func calm() { health.clear(.certificateNotRenewed) }

  /// What was said of the certificate of before holds no longer.
  private func renewed() {
    calm()
    for code in [HealthWarning.Code.certificateExpired, .certificateExpiring, .certificateEarly] {
      health.clear(code, subject: CertificateLifetime.Use.gateway.rawValue)
    }
  }

  /// The server has just shown a certificate that holds now, so now has been.
  private func witness() async {
    if time?.problem == nil { await time?.witnessed(clock.now()) }
  }
}
