import CPNSMessages
import CPNSModel
import CPNSSession
import Logging
import Synchronization

/// What one PNE wants to know of others, over one link (AD 5.6.2): their status now, and each time that it changes.
///
///     nothing ──StatusSubscription──▶ following ──present statuses──▶ each change ──link ends──▶ over
///                                        ▲└──── another one replaces what was followed ────┘
final class StatusFeed: Sendable {
  enum Selection: Sendable, Equatable {
    case some(Set<EntityID>)
    case all

    func contains(_ id: EntityID) -> Bool {
      switch self {
      case .some(let ids): ids.contains(id)
      case .all: true
      }
    }
  }

  private let selection = Mutex(Selection.some([]))
  private let wakes: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation

  init() { (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

  func select(_ wanted: Selection) {
    selection.withLock { $0 = wanted }
    wake.yield()
  }

  /// Until the link ends. A PNE that subscribes to nothing costs one task that sleeps.
  func run(over session: Session, _ inventory: PNInventory, _ logger: Logger) async {
    await withDiscardingTaskGroup { group in
      var isFollowing = false
      for await _ in wakes {
        if !isFollowing {
          isFollowing = true
          // Listening begins before the present is told, so that nothing falls between.
          let changes = inventory.observe()
          group.addTask { await self.follow(changes, over: session, logger) }
        }
        let wanted = selection.withLock { $0 }
        await tell(await inventory.all.filter { wanted.contains($0.id) }, over: session, logger)
      }
      group.cancelAll()
    }
  }

  private func follow(_ changes: AsyncStream<PNInventory.Change>, over session: Session, _ logger: Logger) async {
    for await change in changes where selection.withLock({ $0.contains(change.entry.id) }) {
      let (now, before) = (change.entry, change.before)
      if now.availability != before?.availability || now.reason != before?.reason { await tell([now], over: session, logger) }
    }
  }

  private func tell(_ entries: [InventoryEntry], over session: Session, _ logger: Logger) async {
    guard !entries.isEmpty else { return }
    var message = Cpns_V1_StatusNotification()
    message.statuses = entries.map(Cpns_V1_EntityStatus.init)
    do { try await session.notify(.statusNotification, message.bytes) } catch {
      logger.debug("status not told", metadata: ["error": "\(error)"])  // the next subscription tells everything
    }
  }
}

extension StatusFeed.Selection {
  /// - Throws: more than ``Limits/devices`` ids, or one that is none.
  init(checking message: Cpns_V1_StatusSubscription) throws(MessageError) {
    if message.all {
      self = .all
      return
    }
    guard message.entityIds.count <= Limits.devices else {
      throw MessageError("StatusSubscription.entity_ids", "\(message.entityIds.count) elements, at most \(Limits.devices) are taken")
    }
    var ids: Set<EntityID> = []
    for urn in message.entityIds {
      guard let id = EntityID(urn: urn) else { throw MessageError("StatusSubscription.entity_ids", "expected urn:uuid:… and a UUID") }
      ids.insert(id)
    }
    self = .some(ids)
  }
}
