import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession
import Logging
import Synchronization

/// Finds the gateway, pairs when it has to, and keeps a link up.
///
///     finding ──seen──▶ pairing ──key on disk──▶ linked ──lost──▶ waiting (backoff, or another sighting) ──▶ finding
///        └──seen, has a key──────────────────────▶┘└──key refused──▶ waiting (long)
struct ElementLife: Sendable {
  /// Between tries with a key that the gateway does not know: only a person changes that, or the right gateway comes back.
  private static let refusedWait = Duration.seconds(30)
  /// Addresses tried before waiting: hosts of one gateway, or impostors.
  private static let maximumAddresses = 16

  private enum Outcome {
    case paired, stood, notReached, refused
  }
  private struct Memory {
    var membership: Membership?
    /// The code was tried, or is not needed any more.
    var isCodeSpent = false
    var isKeyRefused = false
    /// Since the last link, so that tries that all end alike are told once.
    var said: [ElementEvent] = []
    var candidates: [GatewaySighting] = []
  }

  let settings: ElementSettings
  let ports: ElementPorts
  let tell: @Sendable (ElementEvent) -> Void
  let logger: Logger
  private let local: LocalEntity
  private let registration: Cpns_V1_Registration
  private let desk: DeliveryDesk
  private let memory: Shared<Memory>
  let live = LiveLink()

  init(settings: ElementSettings, ports: ElementPorts, state: ElementState, logger: Logger, tell: @escaping @Sendable (ElementEvent) -> Void) {
    self.settings = settings
    self.ports = ports
    self.logger = logger
    self.tell = tell
    local = LocalEntity(
      id: state.element, role: .element, modes: [.pne], name: settings.name, software: settings.capabilities.software,
      supportedKinds: Authorisation.kinds(understoodBy: .element))
    var registration = Cpns_V1_Registration()
    registration.name = settings.name
    registration.capabilities = Cpns_V1_DeviceCapabilities(settings.capabilities)
    registration.services = [Cpns_V1_ServiceDescription(ReceptionService.description(state.reception, of: state.element, named: settings.name))]
    self.registration = registration
    desk = DeliveryDesk(state: state, capabilities: settings.capabilities, store: ports.store, clock: ports.clock, logger: logger)
    memory = Shared(Memory(membership: state.membership))
  }

  func run() async throws(ElementError) {
    var backoff = ReconnectBackoff(first: settings.backoffFirst, limit: settings.backoffLimit)
    while !Task.isCancelled {
      switch try await attempt() {
      case .paired:
        backoff.reset()
        continue
      case .stood: backoff.reset()
      case .notReached, .refused: break
      }
      if Task.isCancelled { return }
      let wait = memory.read { $0.isKeyRefused } && codeToTry == nil ? Self.refusedWait : backoff.next(random: Double.random(in: 0..<1))
      await rest(wait)
    }
  }

  private func attempt() async throws(ElementError) -> Outcome {
    let code = codeToTry
    let candidates = await candidates(for: code)
    memory.change { memory in
      if memory.candidates != candidates { memory.said = [] }
      memory.candidates = candidates
    }
    let addresses = candidates.flatMap { sighting in sighting.addresses.map { (sighting.name, $0) } }.prefix(Self.maximumAddresses)
    var outcome = Outcome.notReached
    for (name, address) in addresses where !Task.isCancelled {
      once(.found(name: name, address: address))
      outcome = if let code { try await pair(by: code, at: address) } else { await link(at: address) }
      if case .paired = outcome { return outcome }
      if case .stood = outcome { return outcome }
    }
    return outcome
  }

  /// nil: our key is to be tried.
  private var codeToTry: PairingCode? {
    memory.read { memory in
      guard let code = settings.pairingCode, !memory.isCodeSpent else { return nil }
      guard let known = memory.membership else { return code }
      return memory.isKeyRefused || !code.isFor(known.gateway) ? code : nil
    }
  }

  // MARK: Finding

  /// Waits until a gateway is seen that suits; one that is known by its address only may be it.
  private func candidates(for code: PairingCode?) async -> [GatewaySighting] {
    for await seen in ports.finder.sightings() {
      let suitable = seen.filter { suits($0, code) }
      if !suitable.isEmpty { return suitable }
    }
    return []
  }

  private func suits(_ sighting: GatewaySighting, _ code: PairingCode?) -> Bool {
    guard let id = sighting.id else { return true }
    if let code { return code.isFor(id) }
    return id == memory.read { $0.membership?.gateway }
  }

  /// Waits, at least a moment, and no longer than until the gateway is seen elsewhere.
  private func rest(_ wait: Duration) async {
    let moment = min(wait, settings.backoffFirst)
    do { try await ports.timer.sleep(for: moment) } catch { return }
    let (code, before) = (codeToTry, memory.read { $0.candidates })
    await pause(wait - moment, by: ports.timer) { [self] in
      for await seen in ports.finder.sightings() {
        let suitable = seen.filter { suits($0, code) }
        if !suitable.isEmpty, suitable != before { return }
      }
    }
  }

  // MARK: Pairing

  private func pair(by code: PairingCode, at address: String) async throws(ElementError) -> Outcome {
    let pairing = Pairing(
      code: code, local: local, connector: ports.connector, secrets: ports.secrets, store: ports.store, timer: ports.timer, logger: logger)
    do throws(Pairing.Failure) {
      let membership = try await pairing.run(at: address)
      memory.change { memory in
        memory.membership = membership
        memory.isCodeSpent = true
        memory.isKeyRefused = false
      }
      tell(.paired(gateway: membership.gatewayName.isEmpty ? membership.gateway.urn : membership.gatewayName))
      return .paired
    } catch .refused(let why) {
      memory.change { $0.isCodeSpent = true }
      if memory.read({ $0.membership == nil }) { throw .pairingRefused("\(address): \(why)") }
      failed("the pairing code was refused by \(address): \(why)")
      return .refused
    } catch {
      if case .interrupted(let why) = error { failed("can't pair with \(address): \(why)") }
      return .notReached
    }
  }

  // MARK: Linking

  private func link(at address: String) async -> Outcome {
    guard let membership = memory.read({ $0.membership }) else { return .notReached }
    switch await gatewayLink(membership).run(at: address) {
    case .notRegistered(let why):
      failed("no link with \(address) (\(why))")
      return .notReached
    case .keyRefused(let why):
      memory.change { $0.isKeyRefused = true }
      failed(
        "\(membership.gatewayName) at \(address) refused this element's key (\(why)); if its pairing was removed there, pair again: "
          + "`pngwctl pair` there, and --pair CODE here")
      return .refused
    case .lost(let why):
      memory.change { memory in
        memory.isKeyRefused = false
        memory.said = []
      }
      tell(.linkLost(why: why))
      return .stood
    }
  }

  private func gatewayLink(_ membership: Membership) -> GatewayLink {
    let receiver = Receiver(
      desk: desk, inbox: ports.inbox, capabilities: settings.capabilities, clock: ports.clock, timer: ports.timer, tell: tell, logger: logger)
    return GatewayLink(
      membership: membership, local: local, registration: registration, connector: ports.connector, secrets: ports.secrets, desk: desk,
      receiver: receiver, reporter: Reporter(desk: desk, timer: ports.timer, logger: logger), timer: ports.timer, live: live,
      watchesNetwork: settings.watchesNetwork, tell: tell, logger: logger)
  }

  // MARK: Saying things once

  /// What is remembered for that; beyond it things are said again.
  private static let maximumSaid = 64

  private func once(_ event: ElementEvent) {
    let isNew = memory.change { memory in
      guard !memory.said.contains(event) else { return false }
      memory.said = memory.said.suffix(Self.maximumSaid - 1) + [event]
      return true
    }
    if isNew { tell(event) }
  }

  private func failed(_ why: String) { once(.failed(why)) }
}

/// A value behind a lock, for a struct that is copied.
private final class Shared<Value: Sendable>: Sendable {
  private let value: Mutex<Value>
  init(_ value: Value) { self.value = Mutex(value) }
  func read<T: Sendable>(_ body: (Value) -> T) -> T { value.withLock { body($0) } }
  @discardableResult
  func change<T: Sendable>(_ body: (inout Value) -> T) -> T { value.withLock { body(&$0) } }
}
