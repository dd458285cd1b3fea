import CPNSModel
import CPNSSession
import Logging
import MediaProtocol

/// Carries one delivery from its source to its consumer.
struct Courier: Sendable {
  /// How long a delivery waits for its consumer to come online.
  private static let patience = Duration.seconds(24 * 3600)
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

  func carry(_ record: DeliveryRecord, for service: DeliveryService) async {
    let began = clock.now()
    guard let outcome = await outcome(of: record, service) else { return }
    let entry = await inventory.entry(record.order.consumer)
    await service.end(record, outcome, usage: outcome.bytes > 0 ? entry.map { usage(record.order, outcome, began, $0) } : nil)
  }

  /// - Returns: nil when the PNE has told it itself, or we are being stopped.
  private func outcome(of record: DeliveryRecord, _ service: DeliveryService) async -> DeliveryOutcome? {
    let order = record.order
    guard let entry = await available(order.consumer) else {
      return Task.isCancelled ? nil : failed(order, "consumer-offline", "it did not come online in time")
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
      await stage.fail("\(error)")
      return error
    }
  }

  private func convey(_ record: DeliveryRecord, _ entry: InventoryEntry, _ stage: any StagedContent, _ service: DeliveryService) async -> Conveyance {
    entry.kind == .virtualPNE ? await play(record.order, stage, service) : await offer(record.order, service)
  }

  private func play(_ order: DeliveryOrder, _ stage: any StagedContent, _ service: DeliveryService) async -> Conveyance {
    do { while !stage.isWhole, stage.available < Self.headStart { _ = try await stage.waitForBytes(past: stage.available) } } catch {
      // The fetch that failed says why; this only leaves the end to it.
      return await parked()
    }
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

  private func parked() async -> Conveyance {
    do { try await timer.sleep(for: Self.patience) } catch {}  // cancelled by the fetch's failure
    return .cancelled
  }

  /// Offers over each link that the PNE has, until it has told the end.
  private func offer(_ order: DeliveryOrder, _ service: DeliveryService) async -> Conveyance {
    let ends = service.observeEnds()
    return await withTaskGroup(of: Conveyance.self) { group in
      group.addTask {
        for await end in ends where end.delivery == order.id { return .concluded }
        return .cancelled
      }
      group.addTask { await elements.offerUntilRefused(order).map { .ended(failed(order, "consumer-refused", $0)) } ?? .cancelled }
      let first = await service.isLive(order.id) ? await group.next() ?? .cancelled : .concluded
      group.cancelAll()
      return first
    }
  }

  // MARK: The consumer

  /// Waits until the consumer is online.
  private func available(_ id: EntityID) async -> InventoryEntry? {
    await withTaskGroup(of: InventoryEntry?.self) { group in
      group.addTask {
        guard let entry = await online(id) else { return nil }
        if entry.kind == .virtualPNE, await !renderer.proxy.waitForDevice(id) { return nil }
        return entry
      }
      group.addTask {
        do { try await timer.sleep(for: Self.patience) } catch { return nil }
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
  }

  private func online(_ id: EntityID) async -> InventoryEntry? {
    let changes = inventory.observe()
    if let entry = await inventory.entry(id), entry.availability == .online { return entry }
    for await change in changes where change.entry.id == id && change.entry.availability == .online { return change.entry }
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
      ended: clock.now(), bytes: outcome.bytes, outcome: outcome.state, capabilities: entry.capabilities)
  }

  private func failed(_ order: DeliveryOrder, _ reason: String, _ detail: String) -> DeliveryOutcome {
    DeliveryOutcome(delivery: order.id, state: .failed, reason: reason, detail: detail, bytes: 0)
  }

  private func failed(_ order: DeliveryOrder, _ failure: ContentFetcher.Failure) -> DeliveryOutcome {
    guard case .final(let reason, let detail) = failure else { return failed(order, "cancelled", "") }
    return failed(order, reason, detail)
  }
}
