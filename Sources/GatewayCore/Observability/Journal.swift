package import CPNSModel
package import Logging
import Synchronization

/// Something that happened, for people who watch (`pngwctl watch`) and for `make run`.
package struct GatewayEvent: Sendable, Equatable {
  package enum Kind: String, Sendable {
    case uplinkConnected = "uplink-connected"
    case uplinkLost = "uplink-lost"
    case enrolled
    case pairingOpened = "pairing-opened"
    case pairingClosed = "pairing-closed"
    case paired
    case online, offline, removed
    case deliveryAccepted = "delivery-accepted"
    case deliveryFetching = "delivery-fetching"
    case deliveryOffered = "delivery-offered"
    case deliveryPlaying = "delivery-playing"
    case deliveryProgress = "delivery-progress"
    case deliveryEnded = "delivery-ended"
    case workerUp = "worker-up"
    case workerDown = "worker-down"
    case refused
  }
  /// Counts up from 1 since the gateway started.
  package var sequence: UInt64
  package var at: Timestamp
  package var kind: Kind
  /// One plain sentence.
  package var text: String
  package var fields: [String: String]
}

/// Tells what happens to whoever listens, and to the log. Never holds a secret.
package final class Journal: Sendable {
  private let last = Atomic<UInt64>(0)
  private let watchers = Broadcast<GatewayEvent>(capacity: 256)
  private let clock: WallClock
  private let logger: Logger

  package init(clock: WallClock, logger: Logger) {
    self.clock = clock
    self.logger = logger
  }

  package func tell(_ kind: GatewayEvent.Kind, _ text: String, _ fields: [String: String] = [:]) {
    let sequence = last.add(1, ordering: .relaxed).newValue
    watchers.send(GatewayEvent(sequence: sequence, at: clock.now(), kind: kind, text: text, fields: fields))
    let level: Logger.Level = kind == .deliveryProgress ? .debug : .info
    logger.log(level: level, "\(kind.rawValue)", metadata: fields.mapValues { .string($0) })
  }

  package func watch() -> AsyncStream<GatewayEvent> { watchers.subscribe() }
}
