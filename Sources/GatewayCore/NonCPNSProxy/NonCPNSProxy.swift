package import CPNSModel
import Logging
package import MediaProtocol

/// Makes UPnP/DLNA devices look like PNEs (AD 5.6.10): they never vanish from the inventory, they go offline.
package actor NonCPNSProxy {
  /// Time for a device to show itself after a start, before it counts as gone.
  private static let graceSeconds = 30

  private let media: any MediaDevices
  private let inventory: PNInventory
  private let journal: Journal
  private let health: HealthBoard
  private let clock: WallClock
  private let timer: any Clock<Duration>
  private let logger: Logger
  private let virtual: VirtualPNE
  private var devices: [EntityID: MediaDevice] = [:]
  private var workers: [String: Bool] = [:]
  private var troubles: [String: WorkerTrouble] = [:]
  /// What the renderers said last. Of devices that are there only.
  package private(set) var transports: [EntityID: TransportState] = [:]
  private nonisolated let arrivals = Broadcast<EntityID>(capacity: Limits.devices)
  private nonisolated let happenings = Broadcast<MediaDeviceEvent>(capacity: 256)

  init(
    media: any MediaDevices, inventory: PNInventory, secrets: any Secrets, journal: Journal, health: HealthBoard, clock: WallClock,
    timer: any Clock<Duration>, logger: Logger
  ) {
    self.media = media
    self.inventory = inventory
    self.virtual = VirtualPNE(secrets: secrets)
    self.journal = journal
    self.health = health
    self.clock = clock
    self.timer = timer
    self.logger = logger
  }

  package func device(_ id: EntityID) -> MediaDevice? { devices[id] }

  /// Waits until the device is there: after a start the inventory has it online before a worker has found it again.
  /// - Returns: whether it is; false only when cancelled.
  func waitForDevice(_ id: EntityID) async -> Bool {
    let arrivals = arrivals.subscribe()
    if devices[id] != nil { return true }
    for await arrived in arrivals where arrived == id { return true }
    return false
  }

  /// Interfaces that have a worker, and whether it is up.
  package var workerStates: [String: Bool] { workers }
  /// What devices do, for whoever plays on one.
  nonisolated func observe() -> AsyncStream<MediaDeviceEvent> { happenings.subscribe() }

  func perform(_ command: MediaCommand, on id: EntityID) async throws(MediaError) -> MediaReply {
    guard let device = devices[id] else { throw .unknownDevice }
    return try await media.perform(command, on: device.udn)
  }

  func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await event in self.media.events { await self.take(event) } }
      group.addTask { await self.forgetAfterGrace() }
      await group.waitForAll()
    }
  }

  private func take(_ event: MediaDeviceEvent) async {
    happenings.send(event)
    switch event {
    case .appeared(let device): await appeared(device)
    case .vanished(let udn, let reason): await vanished(udn, reason)
    case .transport(let udn, let state, _): if devices[virtual.id(of: udn)] != nil { transports[virtual.id(of: udn)] = state }
    case .worker(let interface, let up, let detail): worker(interface, up, detail)
    case .refused(let interface, let what, let why):
      journal.tell(.refused, "refused \(what) on \(interface): \(why)", ["interface": interface, "what": what, "why": why])
    }
  }

  private func appeared(_ device: MediaDevice) async {
    let entry = virtual.entry(for: device, now: clock.now())
    guard devices[entry.id] != nil || devices.count < Limits.devices else {
      return logger.warning("device left out", metadata: ["name": "\(entry.name)", "limit": "\(Limits.devices)"])
    }
    devices[entry.id] = device
    arrivals.send(entry.id)
    await keep { () async throws(StoreError) in try await self.inventory.put(entry) }
  }

  private func vanished(_ udn: UDN, _ reason: VanishReason) async {
    let id = virtual.id(of: udn)
    devices[id] = nil
    transports[id] = nil
    await keep { () async throws(StoreError) in
      try await self.inventory.setAvailability(id, .offline, reason: reason.rawValue)
      return 0
    }
  }

  private func worker(_ interface: String, _ up: Bool, _ detail: String) {
    workers[interface] = up
    if up {
      health.clear(.workerDown, subject: interface)
      settle()
      journal.tell(.workerUp, "listening for UPnP devices on \(interface)", ["interface": interface])
    } else {
      let warning = troubles[interface, default: WorkerTrouble()].ended(interface, detail, timer: timer)
      health.clear(warning.code == .workerLoop ? .workerDown : .workerLoop, subject: interface)
      health.raise(warning)
      journal.tell(.workerDown, "the UPnP worker on \(interface) ended: \(detail)", ["interface": interface, "why": detail])
    }
  }

  /// A worker that kept ending is well when it has been up for a while.
  func settle() {
    for (interface, trouble) in troubles where workers[interface] == true && !trouble.isLoop { health.clear(.workerLoop, subject: interface) }
  }

  /// What was online before the start and has not shown itself since is offline.
  private func forgetAfterGrace() async {
    do { try await timer.sleep(for: .seconds(Self.graceSeconds)) } catch { return }
    for entry in await inventory.all where entry.kind == .virtualPNE && entry.availability != .offline && devices[entry.id] == nil {
      await keep { () async throws(StoreError) in
        try await self.inventory.setAvailability(entry.id, .offline, reason: "not-seen")
        return 0
      }
    }
  }

  private func keep(_ change: () async throws(StoreError) -> UInt64) async {
    do { _ = try await change() } catch { logger.error("inventory not written", metadata: ["error": "\(error)"]) }
  }
}
