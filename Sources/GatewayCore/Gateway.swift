package import CPNSModel
package import CPNSSession
package import Logging
import CPNSMessages
import MediaProtocol

/// Everything outside that a PN GW needs.
package struct GatewayPorts: Sendable {
  package var store: any GatewayStore
  package var stages: any ContentStage
  package var relay: any MediaRelaying
  package var fetching: any MediaFetching
  /// nil: the Non-CPNS Proxy is switched off.
  package var media: (any MediaDevices)?
  package var uplink: any UplinkConnecting
  package var credentials: any GatewayCredentials
  package var listener: any ElementListening
  /// nil: the LAN is not told.
  package var announcer: (any ServiceAnnouncing)?
  package var secrets: any Secrets
  package var machine: any Machine
  package var clock: WallClock
  /// nil: the clock is always right.
  package var time: (any TimeKeeping)?
  package var timer: any Clock<Duration>

  package init(
    store: any GatewayStore, stages: any ContentStage, relay: any MediaRelaying, fetching: any MediaFetching, media: (any MediaDevices)?,
    uplink: any UplinkConnecting, credentials: any GatewayCredentials, listener: any ElementListening,
    announcer: (any ServiceAnnouncing)?, secrets: any Secrets, machine: any Machine = UnknownMachine(), clock: WallClock,
    time: (any TimeKeeping)? = nil,
    timer: any Clock<Duration> = ContinuousClock()
  ) {
    self.store = store
    self.stages = stages
    self.relay = relay
    self.fetching = fetching
    self.media = media
    self.uplink = uplink
    self.credentials = credentials
    self.listener = listener
    self.announcer = announcer
    self.secrets = secrets
    self.machine = machine
    self.clock = clock
    self.time = time
    self.timer = timer
  }
}

package struct GatewaySettings: Sendable {
  package var name: String
  package var software: String
  package var uplink: UplinkService.Settings
  package var keepAlive: Duration
  package var pairingWindowSeconds: Int64

  package init(name: String, software: String, uplink: UplinkService.Settings, keepAlive: Duration, pairingWindowSeconds: Int64) {
    self.name = name
    self.software = software
    self.uplink = uplink
    self.keepAlive = keepAlive
    self.pairingWindowSeconds = pairingWindowSeconds
  }
}

/// A PN GW (AD 5.3.1.2): its services, wired. `prepare` may fail; `run` is the whole life.
package struct Gateway: Sendable {
  package let id: EntityID
  package let settings: GatewaySettings
  package let inventory: PNInventory
  package let journal: Journal
  package let health: HealthBoard
  package let uplink: UplinkService
  package let elements: ElementService
  package let proxy: NonCPNSProxy?
  package let deliveries: DeliveryService
  let ports: GatewayPorts
  let enrolment: Enrolment
  private let courier: Courier
  private let watch: HealthWatch
  private let reads: Broadcast<RelayEvent>
  private let logger: Logger

  /// Loads what was, and makes the PN at the first start.
  package static func prepare(settings: GatewaySettings, ports: GatewayPorts, logger: Logger) async throws(StoreError) -> Gateway {
    let state = try await ports.store.load()
    let network: PersonalNetworkState
    if let known = state.pn {
      network = known
    } else {
      network = PersonalNetworkState(id: .random(), name: settings.name, revision: 0, server: nil, serverID: nil)
      try await ports.store.commit([.setPN(network)])
    }
    return Gateway(settings, ports, state, network, logger)
  }

  private init(_ settings: GatewaySettings, _ ports: GatewayPorts, _ state: GatewayState, _ network: PersonalNetworkState, _ logger: Logger) {
    let signal = OutboxSignal()
    id = state.gateway
    self.settings = settings
    self.ports = ports
    self.logger = logger
    let journal = Journal(clock: ports.clock, logger: logger)
    self.journal = journal
    health = HealthBoard(clock: ports.clock) { journal.tell($0) }
    reads = Broadcast(capacity: 256)
    inventory = PNInventory(state: state, network: network, store: ports.store, outbox: signal, journal: journal, health: health, clock: ports.clock)
    let local = LocalEntity(
      id: id, role: .gateway, modes: [.pnGateway], name: settings.name, software: settings.software,
      supportedKinds: Authorisation.kinds(understoodBy: .gateway), maxSilence: settings.keepAlive * 3)
    let outbox = OutboxSender(store: ports.store, signal: signal, inventory: inventory, health: health, timer: ports.timer, logger: logger)
    let care = CertificateCare(
      connector: ports.uplink, credentials: ports.credentials, local: local, inventory: inventory, time: ports.time, journal: journal,
      health: health, clock: ports.clock, timer: ports.timer, logger: logger)
    uplink = UplinkService(
      settings: settings.uplink, connector: ports.uplink, care: care, local: local, inventory: inventory, outbox: outbox, journal: journal, health: health,
      clock: ports.clock, timer: ports.timer, logger: logger)
    enrolment = Enrolment(
      connector: ports.uplink, credentials: ports.credentials, secrets: ports.secrets, local: local, inventory: inventory, logger: logger)
    elements = ElementService(
      keys: KeyRing(gateway: id, pairings: state.pairings, secrets: ports.secrets, clock: ports.clock, uptime: Stopwatch(on: ports.timer)),
      local: local, listener: ports.listener,
      announcer: ports.announcer, store: ports.store, inventory: inventory, outbox: signal, journal: journal, clock: ports.clock,
      timer: ports.timer, logger: logger, uplink: { [uplink] in uplink.session })
    let proxy = NonCPNSProxy(
      media: ports.media ?? NoMediaDevices(), inventory: inventory, secrets: ports.secrets, journal: journal, health: health, clock: ports.clock,
      timer: ports.timer, logger: logger)
    self.proxy = ports.media == nil ? nil : proxy
    deliveries = DeliveryService(
      state: state, store: ports.store, inventory: inventory, outbox: signal, journal: journal, health: health, clock: ports.clock,
      timer: ports.timer, logger: logger)
    watch = HealthWatch(
      machine: ports.machine, store: ports.store, inventory: inventory, health: health, clock: ports.clock, time: ports.time,
      settle: { await proxy.settle() })
    courier = Courier(
      inventory: inventory, stages: ports.stages,
      fetcher: ContentFetcher(uplink: uplink, fetching: ports.fetching, proxy: proxy, timer: ports.timer, logger: logger),
      renderer: Renderer(proxy: proxy, relay: ports.relay, reads: reads, clock: ports.clock, timer: ports.timer, logger: logger),
      elements: elements, clock: ports.clock, timer: ports.timer, logger: logger)
  }

  /// Runs until cancelled.
  /// - Parameter ready: called once, when PNEs can connect.
  /// - Throws: when PNEs can't be listened for.
  package func run(ready: @escaping @Sendable () async -> Void) async throws(LinkError) {
    let failure = await withTaskGroup(of: LinkError?.self) { group in
      group.addTask { await self.listen(ready) }
      group.addTask { await self.uplink.run(handler: self.uplinkHandler); return nil }
      group.addTask { await self.deliveries.run(by: self.courier); return nil }
      group.addTask { for await event in self.ports.relay.events { self.reads.send(event) }; return nil }
      group.addTask { await self.tellProgress(); return nil }
      group.addTask { await self.watch.run(); return nil }
      if let proxy { group.addTask { await proxy.run(); return nil } }
      var failure: LinkError?
      for await ended in group where ended != nil {
        failure = ended
        group.cancelAll()
      }
      return failure
    }
    if let failure { throw failure }
  }

  private func listen(_ ready: @escaping @Sendable () async -> Void) async -> LinkError? {
    do throws(LinkError) {
      try await elements.run(deliveries: deliveries, bound: ready)
      return nil
    } catch {
      return error
    }
  }

  private var uplinkHandler: UplinkHandler {
    UplinkHandler(serverID: { [inventory] in await inventory.network.serverID }, streams: uplink.streams, deliveries: deliveries, elements: elements)
  }

  private func tellProgress() async {
    for await progress in deliveries.observeProgress() {
      guard let session = uplink.session else { continue }
      do { try await session.notify(.deliveryProgress, progress.bytes) } catch { continue }  // the result says it all again
    }
  }
}

/// Stands in when the proxy is off: nothing is there and nothing happens.
private struct NoMediaDevices: MediaDevices {
  let events = AsyncStream<MediaDeviceEvent> { $0.finish() }
  func perform(_ command: MediaCommand, on device: UDN) async throws(MediaError) -> MediaReply { throw .unknownDevice }
}
