package import CPNSModel
import Diagnosis
package import Logging
import Synchronization

/// Something that happened, for people who watch (`pngwctl watch`), for `pngwctl explain` and for `make run`.
package struct GatewayEvent: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    case uplinkConnected = "uplink-connected"
    case uplinkLost = "uplink-lost"
    case enrolled
    case certificateRenewed = "certificate-renewed"
    case configurationChanged = "configuration-changed"
    case pairingOpened = "pairing-opened"
    case pairingClosed = "pairing-closed"
    case paired
    case linkEnded = "link-ended"
    case online, offline, removed
    case deliveryAccepted = "delivery-accepted"
    case deliveryFetching = "delivery-fetching"
    case deliveryOffered = "delivery-offered"
    case deliveryPlaying = "delivery-playing"
    case deliveryProgress = "delivery-progress"
    case deliveryEnded = "delivery-ended"
    case variantChosen = "variant-chosen"
    case workerUp = "worker-up"
    case workerDown = "worker-down"
    case refused
    case warningRaised = "warning-raised"
    case warningCleared = "warning-cleared"
  }
  /// Counts up from 1 since the gateway started.
  package var sequence: UInt64
  package var at: Timestamp
  package var kind: Kind
  /// One plain sentence.
  package var text: String
  package var fields: [String: String]
}

/// Tells what happens to whoever listens, to the log, and to who asks later. Never holds a secret.
package final class Journal: Sendable {
  /// Events that are remembered for `pngwctl explain`, the newest: some 300 kB. Progress is not among them, and of what was refused on
  /// the LAN only so many, or a noisy device would push out everything else.
  package static let remembered = 1024
  private static let rememberedRefusals = 64

  private let last = Atomic<UInt64>(0)
  private let watchers = Broadcast<GatewayEvent>(capacity: 256)
  private let memory = Mutex<[GatewayEvent]>([])
  private let clock: WallClock
  private let logger: Logger
  package let began: Timestamp
  package let told = Tally<GatewayEvent.Kind>()
  /// Deliveries that ended, by how: `delivered`, `failed`.
  package let ended = Tally<DeliveryState>()

  package init(clock: WallClock, logger: Logger) {
    self.clock = clock
    self.logger = logger
    began = clock.now()
  }

  package func tell(_ kind: GatewayEvent.Kind, _ text: String, _ fields: [String: String] = [:]) {
    let sequence = last.add(1, ordering: .relaxed).newValue
    let event = GatewayEvent(sequence: sequence, at: clock.now(), kind: kind, text: text, fields: fields)
    told.add(kind)
    if kind == .deliveryEnded, let state = fields["state"].flatMap(DeliveryState.init(rawValue:)) { ended.add(state) }
    if kind != .deliveryProgress { remember(event) }
    watchers.send(event)
    let level: Logger.Level = kind == .deliveryProgress ? .debug : .info
    logger.log(level: level, "\(kind.rawValue)", metadata: fields.mapValues { .string($0) })
  }

  private func remember(_ event: GatewayEvent) {
    memory.withLock { events in
      if event.kind == .refused, events.count(where: { $0.kind == .refused }) >= Self.rememberedRefusals,
        let oldest = events.firstIndex(where: { $0.kind == .refused })
      {
        events.remove(at: oldest)
      }
      events.append(event)
      if events.count > Self.remembered { events.removeFirst(events.count - Self.remembered) }
    }
  }

  /// A warning that begins, or has ended.
  func tell(_ change: HealthBoard.Change) {
    switch change {
    case .raised(let warning): tell(.warningRaised, "\(warning.severity.rawValue): \(warning.cause)", Self.fields(warning))
    case .cleared(let warning): tell(.warningCleared, "over: \(warning.code.facts.meaning)", Self.fields(warning))
    }
  }

  private static func fields(_ warning: HealthWarning) -> [String: String] {
    let fields = ["code": warning.code.rawValue, "severity": warning.severity.rawValue]
    return warning.subject.isEmpty ? fields : fields.merging(["subject": warning.subject]) { $1 }
  }

  package func watch() -> AsyncStream<GatewayEvent> { watchers.subscribe() }

  /// What is remembered, the oldest first.
  package var past: [GatewayEvent] { memory.withLock { $0 } }
}
