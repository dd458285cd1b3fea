package import CPNSMessages
package import CPNSModel
import CPNSSession
import Logging

/// Deliveries of this gateway: one at a time for each consumer, side by side for different ones.
///
///     offered ──on disk──▶ accepted ──▶ fetching ──▶ playing ──▶ delivered | failed ──on disk with result and usage──▶ outbox
///
/// What is accepted ends, whatever happens in between: after a restart it begins again where its content was.
package actor DeliveryService {
  /// Deliveries that have not ended. Above it an offer is answered BUSY, and the server offers it again.
  package static let capacity = 256
  /// … of one consumer: one that is offline must not keep all others out.
  static let capacityOfOne = capacity / 2
  /// A delivery that was begun so often and never ended is given up: it may be what kills us.
  static let maximumAttempts = 20
  /// Pause before a result that could not be written is written again, or a delivery that did not end begins again.
  private static let pause = Duration.seconds(1)

  package enum Acceptance: Sendable, Equatable {
    case accepted
    case refused(Cpns_V1_Code, String)

    var reply: Reply {
      switch self {
      case .accepted:
        var answer = Cpns_V1_DeliveryAnswer()
        answer.accepted = true
        return .message(.deliveryAnswer, answer)
      case .refused(let code, let detail): return .status(code, detail)
      }
    }
  }

  /// What is known of a delivery that has not ended.
  package struct Live: Sendable {
    package var record: DeliveryRecord
    package var bytes: UInt64 = 0
    var stage: (any StagedContent)?
    /// Since it was accepted, or the gateway started.
    var age: Stopwatch
    /// Its end is on its way to the disk: it can't have another.
    var isEnding = false
  }
  private enum Finish {
    case written
    /// Somebody else is writing its end.
    case underWay
  }

  private let store: any GatewayStore
  private let inventory: PNInventory
  private let outbox: OutboxSignal
  private let journal: Journal
  private let health: HealthBoard
  private let clock: WallClock
  private let timer: any Clock<Duration>
  private let logger: Logger
  private var live: [DeliveryID: Live] = [:]
  /// On their way to the disk, and for whom.
  private var arriving: [DeliveryID: EntityID] = [:]
  private var queues: [EntityID: [DeliveryID]] = [:]
  private var isRunning = false
  private nonisolated let wanted: AsyncStream<EntityID>
  private nonisolated let want: AsyncStream<EntityID>.Continuation
  private nonisolated let ends = Broadcast<DeliveryOutcome>(capacity: 256)
  private nonisolated let news = Broadcast<Cpns_V1_DeliveryProgress>(capacity: 64)

  init(
    state: GatewayState, store: any GatewayStore, inventory: PNInventory, outbox: OutboxSignal, journal: Journal, health: HealthBoard,
    clock: WallClock, timer: any Clock<Duration>, logger: Logger
  ) {
    self.store = store
    self.inventory = inventory
    self.outbox = outbox
    self.journal = journal
    self.health = health
    self.clock = clock
    self.timer = timer
    self.logger = logger
    (wanted, want) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.capacity))
    for record in state.deliveries.sorted(by: { $0.accepted < $1.accepted }) {
      live[record.order.id] = Live(record: record, age: Stopwatch(on: timer))
      queues[record.order.consumer, default: []].append(record.order.id)
    }
  }

  // MARK: Accepting

  /// On disk when this returns `.accepted`; a repeated offer is accepted and changes nothing.
  /// - Parameter stage: holds a content that is staged already, so that nothing evicts it before its turn.
  package func accept(_ order: DeliveryOrder, from source: ContentSource, holding stage: (any StagedContent)? = nil) async -> Acceptance {
    if live[order.id] != nil { return .accepted }
    if let refusal = refusal(of: order) { return refusal }
    // Decided: it has its place while it goes to the disk.
    arriving[order.id] = order.consumer
    defer { arriving[order.id] = nil }
    let record = DeliveryRecord(order: order, state: .accepted, source: source, accepted: clock.now(), attempts: 0)
    let consumer: InventoryEntry
    do throws(StoreError) {
      if let known = try await store.delivery(order.id) { return try await tellAgain(known) }
      guard let entry = await inventory.entry(order.consumer) else { return .refused(.notFound, "\(order.consumer) is not in this PN") }
      consumer = entry
      try await store.commit([.putDelivery(record)])
    } catch {
      return .refused(.busy, "the gateway can't write: \(error)")
    }
    enqueue(record, stage)
    journal.tell(.deliveryAccepted, "\(order.content.name) is to go to \(consumer.name)", fields(order))
    return .accepted
  }

  private func refusal(of order: DeliveryOrder) -> Acceptance? {
    guard arriving[order.id] == nil else { return .refused(.busy, "this offer is on its way to the disk already") }
    guard live.count + arriving.count < Self.capacity else { return .refused(.busy, "\(Self.capacity) deliveries have not ended yet") }
    let same = live.values.count { $0.record.order.consumer == order.consumer } + arriving.values.count { $0 == order.consumer }
    guard same < Self.capacityOfOne else { return .refused(.busy, "\(Self.capacityOfOne) deliveries to this PNE have not ended yet") }
    return nil
  }

  /// It has ended already: whoever offers it again does not know how.
  private func tellAgain(_ known: DeliveryRecord) async throws(StoreError) -> Acceptance {
    guard known.source == .server, known.state.isFinal else { return .accepted }
    let outcome = known.ending?.outcome
      ?? DeliveryOutcome(delivery: known.order.id, state: known.state, reason: "", detail: "", bytes: known.order.content.size ?? 0)
    try await store.commit([.enqueue(message(.deliveryResult, Cpns_V1_DeliveryResult(outcome).bytes))])
    outbox.wake()
    return .accepted
  }

  private func message(_ kind: Cpns_V1_Kind, _ body: [UInt8]) -> OutboxDraft {
    OutboxDraft(kind: kind.rawValue, body: body, idempotency: .random(), made: clock.now())
  }

  private func enqueue(_ record: DeliveryRecord, _ stage: (any StagedContent)?) {
    let consumer = record.order.consumer
    live[record.order.id] = Live(record: record, stage: stage, age: Stopwatch(on: timer))
    let idle = queues[consumer] == nil
    queues[consumer, default: []].append(record.order.id)
    if idle, isRunning { want.yield(consumer) }
  }

  // MARK: Running

  /// The whole life: until cancelled.
  func run(by courier: Courier) async {
    await holdStaged(courier.stages)
    await withDiscardingTaskGroup { group in
      isRunning = true
      for consumer in queues.keys { group.addTask { await self.serve(consumer, by: courier) } }
      for await consumer in wanted { group.addTask { await self.serve(consumer, by: courier) } }
      group.cancelAll()
    }
  }

  private func serve(_ consumer: EntityID, by courier: Courier) async {
    while let id = queues[consumer]?.first {
      let begun = live[id]?.record
      if let begun { await carry(begun, by: courier) }
      if Task.isCancelled { return }
      // What is accepted ends: it begins again until it has, or was begun too often.
      if live[id] != nil {
        await rest()
        continue
      }
      queues[consumer]?.removeAll { $0 == id }
      if let begun { await tidy(begun, courier.stages) }
    }
    queues[consumer] = nil
  }

  private func rest() async { try? await timer.sleep(for: Self.pause) }  // cancelled: whoever rests looks itself

  /// Until the delivery has ended, whoever ended it: the courier, the PNE, or an administrator who removed the PNE.
  private func carry(_ record: DeliveryRecord, by courier: Courier) async {
    let ends = observeEnds()
    guard live[record.order.id] != nil else { return }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await courier.carry(record, for: self) }
      // Any end: ours may be among those that were dropped.
      group.addTask { for await _ in ends { if await !self.isLive(record.order.id) { return } } }
      await group.next()
      group.cancelAll()
    }
  }

  /// What the server has can be had again and stays until its room is needed; of the rest, the last delivery takes the stage along.
  private func tidy(_ record: DeliveryRecord, _ stages: any ContentStage) async {
    let content = record.order.content.id
    guard record.source != .server, !live.values.contains(where: { $0.record.order.content.id == content }) else { return }
    await stages.remove(content)
  }

  /// After a restart: contents that only we have must not be evicted while their deliveries wait.
  private func holdStaged(_ stages: any ContentStage) async {
    for entry in live.values where entry.record.source == .staged && entry.stage == nil {
      do { setStage(try await stages.open(entry.record.order.content), of: entry.record.order.id) } catch {
        logger.warning("pushed content not staged", metadata: ["content": "\(entry.record.order.content.id)", "error": "\(error)"])
      }
    }
  }

  /// Its consumer is there. Counts the attempt on disk, so that a delivery that kills the gateway is found out.
  /// - Returns: false when it was begun too often.
  func begin(_ id: DeliveryID) async -> Bool {
    guard var record = live[id]?.record else { return true }
    record.attempts += 1
    live[id]?.record = record
    guard record.attempts <= Self.maximumAttempts else { return false }
    do { try await store.commit([.putDelivery(record)]) } catch {
      logger.warning("attempt not counted", metadata: ["delivery": "\(id)", "error": "\(error)"])
    }
    return true
  }

  // MARK: While it runs

  package func isLive(_ id: DeliveryID) -> Bool { live[id] != nil }
  /// How long it has been waited for.
  func age(of id: DeliveryID) -> Duration { live[id]?.age.elapsed ?? .zero }
  package var allLive: [Live] { live.values.sorted { $0.record.accepted < $1.record.accepted } }
  package func delivery(_ id: DeliveryID) async -> DeliveryRecord? {
    if let record = live[id]?.record { return record }
    do { return try await store.delivery(id) } catch { return nil }  // the disk's trouble is on the health board
  }
  package func progressBytes(_ id: DeliveryID) -> UInt64? { live[id]?.bytes }
  /// The newest end first.
  package func ended(limit: Int) async throws(StoreError) -> [DeliveryRecord] { try await store.endedDeliveries(limit: limit) }

  func stage(of id: DeliveryID, for consumer: EntityID) -> (any StagedContent)? {
    guard let entry = live[id], entry.record.order.consumer == consumer else { return nil }
    return entry.stage
  }
  func setStage(_ stage: any StagedContent, of id: DeliveryID) { live[id]?.stage = stage }

  /// In memory and on the wire only: what is lost of it, the end makes good.
  func progress(_ id: DeliveryID, _ state: DeliveryState, bytes: UInt64) {
    guard var entry = live[id] else { return }
    let turned = entry.record.state != state
    // The number may be a PNE's: any is possible.
    let far = bytes >= entry.bytes && bytes - entry.bytes >= Self.progressStep
    guard turned || far else { return }
    entry.record.state = state
    entry.bytes = bytes
    live[id] = entry
    var message = Cpns_V1_DeliveryProgress()
    message.deliveryID = id.urn
    message.state = Cpns_V1_DeliveryState(state)
    message.bytes = bytes
    news.send(message)
    if turned { announce(state, entry.record.order) } else { tellProgress(entry) }
  }

  private func tellProgress(_ entry: Live) {
    let content = entry.record.order.content
    var fields = fields(entry.record.order)
    fields["bytes"] = "\(entry.bytes)"
    if let size = content.size { fields["size"] = "\(size)" }
    journal.tell(.deliveryProgress, "\(entry.bytes) bytes of \(content.name) are through", fields)
  }

  /// Progress is told at each turn, and every so many bytes.
  private static let progressStep: UInt64 = 1 << 20

  nonisolated func observeProgress() -> AsyncStream<Cpns_V1_DeliveryProgress> { news.subscribe() }
  nonisolated func observeEnds() -> AsyncStream<DeliveryOutcome> { ends.subscribe() }

  // MARK: Ending

  /// A PNE says how its delivery ended.
  /// - Returns: after it is on disk; a result that was told before changes nothing.
  func conclude(_ outcome: DeliveryOutcome, by consumer: EntityID) async throws(StoreError) -> Bool {
    guard let entry = live[outcome.delivery] else {
      return try await store.delivery(outcome.delivery)?.order.consumer == consumer
    }
    guard entry.record.order.consumer == consumer else { return false }
    guard try await finish(entry.record, outcome, usage: nil) == .written else { throw .unavailable("the result is being written") }
    return true
  }

  /// The consumer is not in the PN any more.
  func abandon(consumer: EntityID) async {
    for entry in live.values where entry.record.order.consumer == consumer {
      let outcome = DeliveryOutcome(
        delivery: entry.record.order.id, state: .failed, reason: "consumer-removed", detail: "it was removed from the Personal Network", bytes: 0)
      await end(entry.record, outcome)
    }
  }

  /// The gateway itself saw how it ended. Returns when that is on disk, or the task is cancelled.
  func end(_ record: DeliveryRecord, _ outcome: DeliveryOutcome, usage: UsageRecord? = nil) async {
    while let record = live[record.order.id]?.record, !Task.isCancelled {
      do {
        if try await finish(record, outcome, usage: usage) == .written { return }
      } catch {
        logger.error("result not written", metadata: ["delivery": "\(record.order.id)", "error": "\(error)"])
        health.raise(HealthWarning(
          .storeUnavailable, .error, cause: "\(error)", nextStep: "see that the state directory's disk has room and is healthy"))
      }
      await rest()
    }
  }

  private func finish(_ record: DeliveryRecord, _ outcome: DeliveryOutcome, usage: UsageRecord?) async throws(StoreError) -> Finish {
    let id = record.order.id
    guard let entry = live[id] else { return .written }
    if entry.isEnding { return .underWay }
    live[id]?.isEnding = true
    do { try await store.commit(ending(record, outcome, usage)) } catch {
      live[id]?.isEnding = false
      throw error
    }
    live[id] = nil
    health.clear(.storeUnavailable)
    outbox.wake()
    ends.send(outcome)
    let how = outcome.state == .failed ? "was not delivered: \(outcome.reason) (\(outcome.detail))" : "was delivered"
    journal.tell(
      .deliveryEnded, "\(record.order.content.name) \(how)",
      fields(record.order).merging(["state": outcome.state.rawValue, "reason": outcome.reason, "bytes": "\(outcome.bytes)"]) { $1 })
    return .written
  }

  /// The end, and what tells the server: on disk together or not at all.
  private func ending(_ record: DeliveryRecord, _ outcome: DeliveryOutcome, _ usage: UsageRecord?) -> [StoreOperation] {
    var ended = record
    ended.state = outcome.state
    ended.ending = DeliveryEnding(outcome: outcome, at: clock.now())
    var operations: [StoreOperation] = [.putDelivery(ended)]
    if ended.source == .server { operations.append(.enqueue(message(.deliveryResult, Cpns_V1_DeliveryResult(outcome).bytes))) }
    if let usage { operations.append(.enqueue(message(.usageReport, Cpns_V1_UsageReport(usage).bytes))) }
    return operations
  }

  private func announce(_ state: DeliveryState, _ order: DeliveryOrder) {
    switch state {
    case .fetching: journal.tell(.deliveryFetching, "fetching \(order.content.name)", fields(order))
    case .playing: journal.tell(.deliveryPlaying, "\(order.content.name) is playing", fields(order))
    case .accepted, .delivered, .failed: break
    }
  }

  private func fields(_ order: DeliveryOrder) -> [String: String] {
    ["delivery": order.id.urn, "content": order.content.name, "consumer": order.consumer.urn]
  }
}
