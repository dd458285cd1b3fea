import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession
import FoundationEssentials
import Logging

/// The PNEs that speak CPNS to this gateway (CPNS-1, CPNS-6), and the one live link each of them may have.
///
/// A second link of the same PNE replaces the first: devices change networks without saying goodbye, and the newest link
/// is the one with a person behind it.
package actor ElementService {
  /// Time for a PNE to come back after the gateway's start, before it counts as gone.
  private static let graceSeconds = 30

  /// Messages in the outbox above which a PNE keeps its usage reports: some 50 MB.
  private static let maximumOutbox = 100_000
  /// Pause before an offer that was not taken is made again on a link that stands.
  private static let offerPause = Duration.seconds(2)

  struct Linked {
    let session: Session
    let outgoing: OutgoingContent
    /// It may be offered something.
    var isRegistered = false
    /// Those before it, which are to be closed.
    var replaced: [Session] = []
  }

  nonisolated let keys: KeyRing
  nonisolated let directory: LocalDirectory
  /// The way to everybody who is not linked here.
  private let uplink: @Sendable () -> Session?
  nonisolated let local: LocalEntity
  private let listener: any ElementListening
  private let announcer: (any ServiceAnnouncing)?
  let store: any GatewayStore
  let inventory: PNInventory
  private let outbox: OutboxSignal
  let journal: Journal
  let clock: WallClock
  let timer: any Clock<Duration>
  private let logger: Logger
  var links: [EntityID: Linked] = [:]
  /// A PNE has registered.
  private nonisolated let turns = Broadcast<Void>(capacity: 1)
  /// The pairing window was opened, or has closed.
  nonisolated let windowTurns = Broadcast<Void>(capacity: 1)
  private(set) var deliveries: DeliveryService?
  package private(set) var port: Int?

  init(
    keys: KeyRing, local: LocalEntity, listener: any ElementListening, announcer: (any ServiceAnnouncing)?, store: any GatewayStore,
    inventory: PNInventory, outbox: OutboxSignal, journal: Journal, clock: WallClock, timer: any Clock<Duration>, logger: Logger,
    uplink: @escaping @Sendable () -> Session?
  ) {
    self.keys = keys
    self.directory = LocalDirectory(inventory: inventory, gateway: local)
    self.uplink = uplink
    self.local = local
    self.listener = listener
    self.announcer = announcer
    self.store = store
    self.inventory = inventory
    self.outbox = outbox
    self.journal = journal
    self.clock = clock
    self.timer = timer
    self.logger = logger
  }

  /// The whole life: until cancelled.
  func run(deliveries: DeliveryService, bound: @escaping @Sendable () async -> Void) async throws(LinkError) {
    self.deliveries = deliveries
    let (ports, portKnown) = AsyncStream<Int>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let failure = await withTaskGroup(of: LinkError?.self) { group in
      group.addTask { await self.listen(portKnown, bound) }
      group.addTask {
        for await port in ports { await self.announce(port) }
        return nil
      }
      group.addTask {
        await self.forgetAfterGrace()
        return nil
      }
      group.addTask {
        await self.tellClosings()
        return nil
      }
      var failure: LinkError?
      for await ended in group where failure == nil {
        failure = ended
        if failure != nil { group.cancelAll() }
      }
      return failure
    }
    if let failure { throw failure }
  }

  private func listen(_ portKnown: AsyncStream<Int>.Continuation, _ bound: @escaping @Sendable () async -> Void) async -> LinkError? {
    defer { portKnown.finish() }
    do throws(LinkError) {
      try await listener.serve(
        keys: { self.keys.key(for: $0) },
        rejected: { identity, address in self.rejected(identity, address) },
        bound: { port in
          await self.bound(port)
          portKnown.yield(port)
          await bound()
        },
        accept: { link in await self.converse(link) })
      return nil
    } catch {
      return error
    }
  }

  private func bound(_ port: Int) { self.port = port }

  private func announce(_ port: Int) async {
    await announcer?.announce(name: local.name, port: port, text: ["id": local.id.urn, "v": "1"])
  }

  private nonisolated func rejected(_ identity: String, _ address: String) {
    logger.notice("pre-shared key refused", metadata: ["address": "\(address)"])
    if keys.failed(identity) { windowTurns.send(()) }
  }

  // MARK: Ways

  /// The live link of one of our PNEs.
  func link(of element: EntityID) -> Session? {
    guard let linked = links[element], linked.isRegistered else { return nil }
    return linked.session
  }

  /// What is no PNE of ours may be behind the server.
  func way(to target: EntityID) async -> Session? {
    if await inventory.entry(target) != nil { return link(of: target) }
    return uplink()
  }

  // MARK: Links

  private func converse(_ link: any Link) async {
    let outgoing = OutgoingContent(logger: logger)
    let feed = StatusFeed()
    let handler = ElementHandler(service: self, outgoing: outgoing, feed: feed)
    let session = Session(link: link, local: local, handler: handler, logger: logger, clock: timer)
    do throws(SessionError) {
      try await session.run { session, peer in
        guard peer.role == .element else { return }
        await self.take(peer, session, outgoing)
        await self.closeReplaced(by: session, of: peer.entity)
        await withDiscardingTaskGroup { group in
          group.addTask { await outgoing.run(over: session) }
          group.addTask { await feed.run(over: session, self.inventory, self.logger) }
        }
      }
    } catch {
      let why = UplinkService.words(error)
      logger.info("link ended", metadata: ["address": "\(link.peer.address)", "why": "\(why)"])
      tellEnd(session, why)
    }
    await unlinked(session)
  }

  /// The newest link counts, whichever of its Hello and its first request is looked at first.
  private func take(_ peer: Peer, _ session: Session, _ outgoing: OutgoingContent) {
    let old = links[peer.entity]
    if let old, old.session.id >= session.id { return }
    links[peer.entity] = Linked(session: session, outgoing: outgoing, replaced: old.map { $0.replaced + [$0.session] } ?? [])
    guard keys.proved(peer.entity) else { return }
    journal.tell(.paired, "\(peer.name) is paired", ["entity": peer.entity.urn, "name": peer.name])
    windowTurns.send(())
  }

  private func closeReplaced(by session: Session, of element: EntityID) async {
    guard links[element]?.session.id == session.id, let replaced = links[element]?.replaced else { return }
    links[element]?.replaced = []
    for old in replaced { await old.close() }
  }

  /// Only of a PNE's newest link: one that was replaced is no news.
  private func tellEnd(_ session: Session, _ why: String) {
    guard let element = links.first(where: { $0.value.session.id == session.id })?.key else { return }
    journal.tell(.linkEnded, "the link of a PNE ended: \(why)", ["entity": element.urn, "why": why])
  }

  private func unlinked(_ session: Session) async {
    guard let element = links.first(where: { $0.value.session.id == session.id })?.key else { return }
    links[element] = nil
    await set(element, .offline, "link-lost")
  }

  /// What was online before the start and has not come back since is offline.
  private func forgetAfterGrace() async {
    do { try await timer.sleep(for: .seconds(Self.graceSeconds)) } catch { return }
    for entry in await inventory.all where entry.kind == .pne && entry.availability != .offline && links[entry.id] == nil {
      await set(entry.id, .offline, "not-seen")
    }
  }

  private func set(_ element: EntityID, _ availability: Availability, _ reason: String) async {
    do { try await inventory.setAvailability(element, availability, reason: reason) } catch {
      logger.error("inventory not written", metadata: ["error": "\(error)"])
    }
  }

  // MARK: Requests of PNEs

  nonisolated func admit(_ link: LinkPeer, _ hello: Cpns_V1_Hello) -> Admission {
    guard case .preSharedKey(let text) = link.credential, let identity = PSKIdentity(text) else {
      return .refused(.unauthenticated, detail: "expected a pre-shared key: pair first")
    }
    switch identity {
    case .pairing: return .admitted(.stranger)
    case .entityUserKey(let element, _):
      guard hello.entityID == element.urn else { return .refused(.unauthenticated, detail: "Hello.entity_id is not whom the key belongs to") }
      return .admitted(.element)
    }
  }

  func pair(_ request: Cpns_V1_PairRequest, on session: Session) async -> Reply {
    let (element, name): (EntityID, String)
    do { (element, name) = try request.checked() } catch { return .malformed(error) }
    guard await session.peer?.entity == element else { return .status(.malformed, "PairRequest.entity_id: expected the one of your Hello") }
    guard let (key, pairing) = keys.claim(element, name: name) else {
      return .status(.refused, "the pairing window is closed or taken by another device: run `pngwctl pair` again")
    }
    do { try await store.commit([.putPairing(pairing)]) } catch { return .status(.busy, "the gateway can't write: \(error)") }
    keys.install(pairing)
    var assignment = Cpns_V1_KeyAssignment()
    assignment.entityID = element.urn
    assignment.gatewayID = local.id.urn
    assignment.entityUserKey = Data(key)
    assignment.generation = pairing.generation
    assignment.pnID = await inventory.network.id.urn
    return .message(.keyAssignment, assignment)
  }

  func register(_ registration: Cpns_V1_Registration, _ peer: Peer, on session: Session, _ outgoing: OutgoingContent) async -> Reply {
    take(peer, session, outgoing)
    // A link that was replaced in the meantime says what was.
    guard links[peer.entity]?.session.id == session.id else { return .status(.conflict, "a newer link of this PNE has taken over") }
    // It was removed, or left, while this link stood.
    guard keys.isPaired(peer.entity) else { return .status(.unauthenticated, "this PNE is not paired any more: pair again") }
    do {
      let entry = try InventoryEntry(
        checking: registration, of: peer.entity, named: peer.name, at: clock.now(), attributes: ["address": peer.link.address])
      guard entry.services.allSatisfy({ $0.offeredBy == peer.entity }) else {
        return .status(.forbidden, "Registration.services: a PNE publishes its own services only")
      }
      var result = Cpns_V1_RegistrationResult()
      switch try await inventory.place(entry) {
      case .at(let revision): result.revision = revision
      case .full: return .status(.busy, "the Personal Network has \(Limits.devices) devices already")
      case .unfit(let why): return .status(.malformed, why)
      }
      let network = await inventory.network
      result.pnID = network.id.urn
      result.serverID = network.serverID?.urn ?? ""
      if links[peer.entity]?.session.id == session.id { links[peer.entity]?.isRegistered = true }
      turns.send(())
      return .message(.registrationResult, result)
    } catch let error as MessageError {
      return .malformed(error)
    } catch {
      return .status(.busy, "the gateway can't write: \(error)")
    }
  }

  func deregister(_ element: EntityID) async -> Reply {
    do { try await inventory.remove(element, with: [.removePairing(element)]) } catch { return .status(.busy, "the gateway can't write: \(error)") }
    keys.forget(element)
    await deliveries?.abandon(consumer: element)
    return .status(.ok)
  }

  func report(_ status: Cpns_V1_StatusReport, of element: EntityID) async -> Reply {
    do {
      let (availability, reason) = try status.checked()
      try await inventory.setAvailability(element, availability, reason: reason)
      return .status(.ok)
    } catch let error as MessageError {
      return .malformed(error)
    } catch {
      return .status(.busy, "the gateway can't write: \(error)")
    }
  }

  func conclude(_ result: Cpns_V1_DeliveryResult, by element: EntityID) async -> Reply {
    do {
      let outcome = try DeliveryOutcome(checking: result)
      guard try await deliveries?.conclude(outcome, by: element) == true else { return .status(.notFound, "no such delivery to you") }
      return .status(.ok)
    } catch let error as MessageError {
      return .malformed(error)
    } catch {
      return .status(.busy, "the gateway can't write: \(error)")
    }
  }

  /// Into the outbox; the server counts a usage id once, so a report that comes twice does no harm.
  func collect(_ report: Cpns_V1_UsageReport, of element: EntityID) async -> Reply {
    do {
      let usage = try UsageRecord(checking: report)
      guard usage.consumer == element else { return .status(.forbidden, "UsageReport.consumer: a PNE reports its own usage only") }
      guard try await store.outboxDepth().messages < Self.maximumOutbox else {
        return .status(.busy, "\(Self.maximumOutbox) messages wait for the server already")
      }
      let draft = OutboxDraft(
        kind: Cpns_V1_Kind.usageReport.rawValue, body: report.bytes, idempotency: IdempotencyID(uuid: usage.id.uuid), made: clock.now())
      try await store.commit([.enqueue(draft)])
      outbox.wake()
      return .status(.ok)
    } catch let error as MessageError {
      return .malformed(error)
    } catch {
      return .status(.busy, "the gateway can't write: \(error)")
    }
  }

  func open(_ message: Cpns_V1_ContentOpen, for peer: Peer, _ outgoing: OutgoingContent) async -> Reply {
    let nothing = Reply.status(.notFound, "no such content is being delivered to you")
    guard let delivery = DeliveryID(urn: message.deliveryID), let deliveries else { return nothing }
    guard let stage = await deliveries.stage(of: delivery, for: peer.entity) else {
      // After a restart the PNE may be faster than the delivery.
      guard await deliveries.isLive(delivery), await deliveries.delivery(delivery)?.order.consumer == peer.entity else { return nothing }
      return .status(.notReady, "this delivery waits for its turn")
    }
    guard stage.description.id.urn == message.contentID else { return nothing }
    return outgoing.open(message, StagedSource(stage: stage), for: peer)
  }

  func progressed(_ progress: Cpns_V1_DeliveryProgress, of element: EntityID) async {
    guard let id = DeliveryID(urn: progress.deliveryID), let deliveries, await deliveries.stage(of: id, for: element) != nil else { return }
    guard let state = try? DeliveryState(checking: progress.state), !state.isFinal else { return }
    await deliveries.progress(id, state, bytes: progress.bytes)
  }

  // MARK: Offers

  /// Offers `order` on each link over which its consumer registers, and again where it was not answered, until cancelled.
  /// - Returns: why the PNE refused it; nil when cancelled.
  func offerUntilRefused(_ order: DeliveryOrder) async -> String? {
    let turns = turns.subscribe()
    var offered: Int?
    repeat {
      while let linked = links[order.consumer], linked.isRegistered, linked.session.id != offered {
        switch await offer(order, over: linked.session) {
        case .accepted: offered = linked.session.id
        case .refused(let why): return why
        case .unanswered: await pause(Self.offerPause, or: turns)
        }
        if Task.isCancelled { return nil }
      }
      await pause(nil, or: turns)
    } while !Task.isCancelled
    return nil
  }

  private enum Answer {
    case accepted, unanswered
    case refused(String)
  }

  private func offer(_ order: DeliveryOrder, over session: Session) async -> Answer {
    do throws(SessionError) {
      let answer = try await session.request(
        .deliveryOffer, Cpns_V1_DeliveryOffer(order).bytes, idempotency: IdempotencyID(uuid: order.id.uuid), deadline: .seconds(20))
      guard let reply = try? answer.decoded(as: Cpns_V1_DeliveryAnswer.self), answer.kind == .deliveryAnswer else {
        return .refused("it answered something else than DeliveryAnswer")
      }
      return reply.accepted ? .accepted : .refused(reply.reason.isEmpty ? "it gave no reason" : String(reply.reason.prefix(Limits.name)))
    } catch .refused(let code, let detail) where !code.mayRetry {
      return .refused("\(code): \(detail)")
    } catch {
      logger.info("offer not taken yet", metadata: ["delivery": "\(order.id)", "why": "\(UplinkService.words(error))"])
      return .unanswered
    }
  }
}
