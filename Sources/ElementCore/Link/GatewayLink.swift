import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession
import Logging
import Synchronization

/// One link with our Entity-User Key, from the handshake to its end: Hello, Registration, then contents and reports.
struct GatewayLink: Sendable {
  /// How a link that is over went.
  enum Ending: Sendable, Equatable {
    /// It never got as far as our registration.
    case notRegistered(String)
    /// The gateway has not our key.
    case keyRefused(String)
    case lost(String)
  }

  let membership: Membership
  let local: LocalEntity
  let registration: Cpns_V1_Registration
  let connector: any GatewayConnecting
  let secrets: any ElementSecrets
  let desk: DeliveryDesk
  let receiver: Receiver
  let reporter: Reporter
  let timer: any Clock<Duration>
  let live: LiveLink
  let watchesNetwork: Bool
  let tell: @Sendable (ElementEvent) -> Void
  let logger: Logger

  func run(at address: String) async -> Ending {
    let key = secrets.derive(key: membership.entityUserKey, salt: Array(membership.gateway.urn.utf8), info: PSKIdentity.gatewayKeyInfo)
    let identity = PSKIdentity.entityUserKey(local.id, generation: membership.generation).text
    let ending = Mutex(Ending.notRegistered("the link ended before Hello"))
    do {
      try await connector.withLink(to: address, identity: identity, key: key) { link in
        let result = await converse(link)
        ending.withLock { $0 = result }
      }
      return ending.withLock { $0 }
    } catch .untrusted(let why) {
      return .keyRefused(why)
    } catch {
      return .notRegistered(error.words)
    }
  }

  private func converse(_ link: any Link) async -> Ending {
    let streams = ContentStreams()
    let handler = GatewayHandler(gateway: membership.gateway, desk: desk, streams: streams, capabilities: registration.capabilities, tell: tell)
    let session = Session(link: link, local: local, handler: handler, logger: logger, clock: timer)
    let refusal = Mutex<String?>(nil)
    let isRegistered = Mutex(false)
    var why = "the gateway closed the link"
    do throws(SessionError) {
      try await session.run { session, _ in
        if let problem = await register(over: session) {
          refusal.withLock { $0 = problem }
          return await session.close()
        }
        isRegistered.withLock { $0 = true }
        await work(over: session, streams)
      }
    } catch {
      why = error.words
    }
    live.leave(session)
    streams.endAll()
    if isRegistered.withLock({ $0 }) { return .lost(why) }
    return .notRegistered(refusal.withLock { $0 } ?? why)
  }

  /// - Returns: why not.
  private func register(over session: Session) async -> String? {
    while true {
      do throws(SessionError) {
        let answer = try await session.request(.registration, registration.bytes, idempotency: .random(), deadline: .seconds(20))
        guard answer.kind == .registrationResult, let result = try? answer.decoded(as: Cpns_V1_RegistrationResult.self), let pn = PNID(urn: result.pnID)
        else { return "the gateway's answer is not a RegistrationResult" }
        live.enter(LiveLink.Linked(session: session, server: EntityID(urn: result.serverID)))
        tell(.registered(pn))
        return nil
      } catch .refused(let code, let detail) where code.mayRetry {
        logger.info("gateway asks to wait", metadata: ["status": "\(code)", "detail": "\(detail)"])
        do { try await timer.sleep(for: .seconds(1)) } catch { return "cancelled" }
      } catch {
        return error.words
      }
    }
  }

  private func work(over session: Session, _ streams: ContentStreams) async {
    await withDiscardingTaskGroup { group in
      group.addTask { await receiver.run(over: session, streams) }
      group.addTask { await reporter.run(over: session) }
      if watchesNetwork { group.addTask { await subscribe(over: session) } }
    }
  }

  private func subscribe(over session: Session) async {
    var subscription = Cpns_V1_StatusSubscription()
    subscription.all = true
    do throws(SessionError) { _ = try await session.request(.statusSubscription, subscription.bytes, idempotency: .random()) } catch {
      logger.info("no status of others", metadata: ["why": "\(error.words)"])
    }
  }
}
