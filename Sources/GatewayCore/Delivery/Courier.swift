import CPNSModel
import CPNSSession
import Logging
import MediaProtocol

/// Carries one delivery from its source to its consumer.
struct Courier: Sendable {
  /// How long a delivery waits for its consumer to come online, from when it was accepted and whenever it went offline.
  private static let patience = Duration.seconds(24 * 3600)
  /// Pause before another look when the content's source failed somebody else.
  private static let pause = Duration.seconds(1)
  /// A renderer is told to play when so much is there, so that it does not starve at once.
  private static let headStart: UInt64 = 256 << 10

  let inventory: PNInventory
  let stages: any ContentStage
  let fetcher: ContentFetcher
  let renderer: Renderer
  let elements: ElementService
  let clock: WallClock
  let timer: any Clock<Duration>
  let logger: Logger

  private enum Step: Sendable {
    case fetched(ContentFetcher.Failure?)
    case conveyed(Conveyance)
  }
  private enum Conveyance: Sendable {
    /// The gateway saw the end itself.
    case ended(DeliveryOutcome)
    /// The PNE reported the end, and it is on disk.
    case concluded
    case cancelled
  }

  private enum Wait: Sendable {
    case online(InventoryEntry)
    case removed, tooLong
  }

  func carry(_ record: DeliveryRecord, for service: DeliveryService) async {
    let patience = Self.patience - (await service.age(of: record.order.id))
    switch await available(record.order.consumer, patience) {
    case .online(let entry):
      let began = clock.now()
      guard let outcome = await outcome(of: record, entry, service) else { return }
      await service.end(record, outcome, usage: outcome.bytes > 0 ? usage(record.order, outcome, began, entry) : nil)
    case .removed: await service.end(record, failed(record.order, "consumer-removed", "it was removed from the Personal Network"))
    case .tooLong: await service.end(record, offline(record.order))
    case nil: return
    }
  }

  private func offline(_ order: DeliveryOrder) -> DeliveryOutcome { failed(order, "consumer-offline", "it did not come online in time") }

  /// - Returns: nil when the PNE has told it itself, or we are being stopped.
  private func outcome(of record: DeliveryRecord, _ entry: InventoryEntry, _ service: DeliveryService) async -> DeliveryOutcome? {
    let order = record.order
    guard await service.begin(order.id) else {
      return failed(order, "given-up", "begun \(DeliveryService.maximumAttempts) times and never ended")
    }
    if entry.kind == .virtualPNE, let why = Self.unfit(order.content, for: entry) { return failed(order, "not-playable", why) }
    let stage: any StagedContent
    do { stage = try await stages.open(order.content) } catch { return failed(order, ContentFetcher.final(error)) }
    await service.setStage(stage, of: order.id)
    await service.progress(order.id, .fetching, bytes: stage.available)
    return await race(record, entry, stage, service)
  }

  /// Fetching and conveying run side by side; what ends the delivery ends the other.
  private func race(_ record: DeliveryRecord, _ entry: InventoryEntry, _ stage: any StagedContent, _ service: DeliveryService) async -> DeliveryOutcome? {
    await withTaskGroup(of: Step.self) { group in
      group.addTask { .fetched(await fetch(record, stage, service)) }
      group.addTask { .conveyed(await convey(record, entry, stage, service)) }
      defer { group.cancelAll() }
      for await step in group {
        switch step {
        case .fetched(nil): continue
        case .fetched(.cancelled): return nil
        case .fetched(let failure?): return failed(record.order, failure)
        case .conveyed(.ended(let outcome)): return outcome
        case .conveyed(.concluded), .conveyed(.cancelled): return nil
        }
      }
      return nil
    }
  }

  private func fetch(_ record: DeliveryRecord, _ stage: any StagedContent, _ service: DeliveryService) async -> ContentFetcher.Failure? {
    do throws(ContentFetcher.Failure) {
      try await fetcher.fetch(record, into: stage) { bytes in
        // While it plays already, the state stays.
        if await service.delivery(record.order.id)?.state != .playing { await service.progress(record.order.id, .fetching, bytes: bytes) }
      }
      return nil
    } catch {
      // Others may still be bringing the same content.
      if case .final = error { await stage.fail("\(error)") }
      return error
    }
  }

  private func convey(_ record: DeliveryRecord, _ entry: InventoryEntry, _ stage: any StagedContent, _ service: DeliveryService) async -> Conveyance {
    entry.kind == .virtualPNE ? await play(record.order, stage, service) : await offer(record.order, service)
  }

  private func play(_ order: DeliveryOrder, _ stage: any StagedContent, _ service: DeliveryService) async -> Conveyance {
    await headStart(of: stage)
    if Task.isCancelled { return .cancelled }
    do throws(Renderer.Failure) {
      let outcome = try await renderer.play(order, stage) { await service.progress(order.id, .playing, bytes: stage.available) }
      return outcome.map(Conveyance.ended) ?? .cancelled
    } catch {
      switch error {
      case .device(.fault(code: let code, text: let text)):
        return .ended(failed(order, "device-refused", "the device answered error \(code): \(text)"))
      case .device(let error): return .ended(failed(order, "device-unreachable", "\(error)"))
      case .relay(let why): return .ended(failed(order, "relay", why))
      }
    }
  }

  private func headStart(of stage: any StagedContent) async {
    while !stage.isWhole, stage.available < Self.headStart, !Task.isCancelled {
      do { _ = try await stage.waitForBytes(past: stage.available) } catch {
        // A fetch failed: when it was ours we are cancelled, and when it was another delivery's ours goes on.
        try? await timer.sleep(for: Self.pause)  // cancelled: the loop looks itself
      }
    }
  }

  /// Offers over each link that the PNE has, until it has told the end.
  private func offer(_ order: DeliveryOrder, _ service: DeliveryService) async -> Conveyance {
    let ends = service.observeEnds()
    return await withTaskGroup(of: Conveyance.self) { group in
      group.addTask {
        for await _ in ends { if await !service.isLive(order.id) { return .concluded } }
        return .cancelled
      }
      group.addTask { await gone(order.consumer).map { _ in .ended(offline(order)) } ?? .cancelled }
      group.addTask { await elements.offerUntilRefused(order).map { .ended(failed(order, "consumer-refused", $0)) } ?? .cancelled }
      let first = await service.isLive(order.id) ? await group.next() ?? .cancelled : .concluded
      group.cancelAll()
      return first
    }
  }

  // MARK: The consumer

  /// Waits until the consumer is online.
  /// - Returns: nil when cancelled.
  private func available(_ id: EntityID, _ patience: Duration) async -> Wait? {
    await withTaskGroup(of: Wait?.self) { group in
      group.addTask {
        let wait = await online(id)
        if case .online(let entry) = wait, entry.kind == .virtualPNE, await !renderer.proxy.waitForDevice(id) { return nil }
        return wait
      }
      group.addTask {
        do { try await timer.sleep(for: patience) } catch { return nil }
        return .tooLong
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  private func online(_ id: EntityID) async -> Wait? {
    await changed({ entry in
      guard let entry else { return .removed }
      return entry.availability == .online ? .online(entry) : nil
    }, of: id)
  }

  /// Waits until the consumer has been offline for too long.
  /// - Returns: nil when cancelled.
  private func gone(_ id: EntityID) async -> Wait? {
    while !Task.isCancelled {
      let left: Wait? = await changed({ entry in entry?.availability == .offline ? .tooLong : entry == nil ? .removed : nil }, of: id)
      guard case .tooLong = left else { return left }
      let back = await available(id, Self.patience)
      guard case .online = back else { return back }
    }
    return nil
  }

  /// Looks at a device now and whenever the inventory changes, until `answer` has one; nil when cancelled.
  private func changed(_ answer: @Sendable (InventoryEntry?) -> Wait?, of id: EntityID) async -> Wait? {
    // Any change: the one that we wait for may be among those that were dropped.
    let changes = inventory.observe()
    if let now = answer(await inventory.entry(id)) { return now }
    for await _ in changes { if let now = answer(await inventory.entry(id)) { return now } }
    return nil
  }

  /// AD 5.6.9, capability matching: why the device can't take the content; nil when it can.
  static func unfit(_ content: ContentDescription, for entry: InventoryEntry) -> String? {
    guard entry.services.contains(where: { $0.type == "media-rendering" }) else { return "\(entry.name) renders no media" }
    if entry.capabilities.takes(content.mediaType) { return nil }
    let some = entry.capabilities.accepts.prefix(8).joined(separator: ", ")
    return "the content is \(content.mediaType); \(entry.name) takes \(some.isEmpty ? "nothing that it told us of" : some)\(entry.capabilities.accepts.count > 8 ? ", …" : "")"
  }

  private func usage(_ order: DeliveryOrder, _ outcome: DeliveryOutcome, _ began: Timestamp, _ entry: InventoryEntry) -> UsageRecord {
    UsageRecord(
      id: .random(), consumer: order.consumer, delivery: order.id, content: order.content, serviceType: "media-rendering", started: began,
      ended: max(began, clock.now()), bytes: outcome.bytes, outcome: outcome.state, capabilities: entry.capabilities)
  }

  private func failed(_ order: DeliveryOrder, _ reason: String, _ detail: String) -> DeliveryOutcome {
    DeliveryOutcome(delivery: order.id, state: .failed, reason: reason, detail: detail, bytes: 0)
  }

  private func failed(_ order: DeliveryOrder, _ failure: ContentFetcher.Failure) -> DeliveryOutcome {
    guard case .final(let reason, let detail) = failure else { return failed(order, "cancelled", "") }
    return failed(order, reason, detail)
  }
}
