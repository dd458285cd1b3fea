package import CPNSModel
package import CPNSProcedures
import CPNSSession
package import Logging
import CPNSMessages
import Synchronization

/// Everything outside that a PNE needs.
package struct ElementPorts: Sendable {
  package var store: any ElementStore
  package var inbox: any ContentInbox
  package var finder: any GatewayFinding
  package var connector: any GatewayConnecting
  package var secrets: any ElementSecrets
  package var clock: WallClock
  package var timer: any Clock<Duration>

  package init(
    store: any ElementStore, inbox: any ContentInbox, finder: any GatewayFinding, connector: any GatewayConnecting,
    secrets: any ElementSecrets, clock: WallClock, timer: any Clock<Duration> = ContinuousClock()
  ) {
    self.store = store
    self.inbox = inbox
    self.finder = finder
    self.connector = connector
    self.secrets = secrets
    self.clock = clock
    self.timer = timer
  }
}

package struct ElementSettings: Sendable {
  /// For people, 1 to 64 characters.
  package var name: String
  package var capabilities: DeviceCapabilities
  /// Tried when there is no key, when it is for another gateway than the one that we know, and when our key is refused.
  package var pairingCode: PairingCode?
  /// Whether to be told when the status of others in the PN changes (AD 5.6.2).
  package var watchesNetwork: Bool
  package var backoffFirst: Duration
  package var backoffLimit: Duration

  package init(
    name: String, capabilities: DeviceCapabilities, pairingCode: PairingCode? = nil, watchesNetwork: Bool = false, backoffFirst: Duration = .milliseconds(500),
    backoffLimit: Duration = .seconds(60)
  ) {
    self.name = name
    self.capabilities = capabilities
    self.pairingCode = pairingCode
    self.watchesNetwork = watchesNetwork
    self.backoffFirst = backoffFirst
    self.backoffLimit = backoffLimit
  }
}

/// A PNE (AD 5.3.1.3): finds its gateway, pairs once, and from then on is there for it. `prepare` may fail; `run` is the whole life.
package struct Element: Sendable {
  package let id: EntityID
  /// What happens. One reader; the newest 256 are kept for it.
  package let events: AsyncStream<ElementEvent>
  private let life: ElementLife

  /// The Personal Network, as it can be asked about now.
  package var network: PersonalNetworkView { PersonalNetworkView(link: life.live) }

  /// Loads what was kept.
  package static func prepare(settings: ElementSettings, ports: ElementPorts, logger: Logger) async throws(ElementError) -> Element {
    let state: ElementState
    do { state = try await ports.store.load() } catch { throw .store(error) }
    guard state.membership != nil || settings.pairingCode != nil else { throw .notPaired }
    let unfinished = state.deliveries.filter { $0.end == nil }.map(\.order.id)
    do { try await ports.inbox.prepare(keeping: Set(unfinished)) } catch { throw .inbox(error) }
    return Element(settings, ports, state, logger)
  }

  private init(_ settings: ElementSettings, _ ports: ElementPorts, _ state: ElementState, _ logger: Logger) {
    let (events, teller) = AsyncStream<ElementEvent>.makeStream(bufferingPolicy: .bufferingNewest(256))
    id = state.element
    self.events = events
    life = ElementLife(settings: settings, ports: ports, state: state, logger: logger) { teller.yield($0) }
  }

  /// Until cancelled. Links that are lost are made again, for ever.
  /// - Throws: ``ElementError/pairingRefused(_:)``: without a key, and without a code that is good, there is nothing to try.
  package func run() async throws(ElementError) { try await life.run() }
}
