import Logging
import MediaProtocol

/// The supervisor's thread: keeps one worker on each suitable interface, and carries words between them and the gateway.
///
/// A worker's life: `waiting(until) ──▶ started ──ready──▶ up ──ends, silent, interface changed──▶ waiting`.
final class SupervisorLoop {
  typealias Instant = ContinuousClock.Instant

  struct Surroundings: Sendable {
    var executable: String
    var wanted: [String]
    var pace = SupervisorPace()
    var interfaces: @Sendable () -> [InterfaceFacts]
  }

  private struct Slot {
    var facts: InterfaceFacts
    var process: WorkerProcess?
    var backoff = RestartBackoff()
    var due: Instant
  }

  private let surroundings: Surroundings
  private let mailbox: Mailbox
  private let tell: (MediaDeviceEvent) -> Void
  private let logger: Logger
  private var slots: [String: Slot] = [:]
  private var known: KnownDevices
  private var nextLook = Instant.now

  init(_ surroundings: Surroundings, mailbox: Mailbox, logger: Logger, tell: @escaping (MediaDeviceEvent) -> Void) {
    self.surroundings = surroundings
    known = KnownDevices(grace: surroundings.pace.grace)
    self.mailbox = mailbox
    self.logger = logger
    self.tell = tell
  }

  func run() {
    let changes = Interfaces.changes()
    if changes == nil { logger.warning("interface changes are only looked for now and then: no routing socket") }
    while !mailboxSaysStop() {
      look()
      for name in slots.keys { tend(name) }
      for udn in known.missing(.now) { tell(.vanished(udn, .probeFailed)) }
      wait(changes)
    }
    for name in slots.keys { _ = stop(name) }
    mailbox.shut()
    if let changes { Channel.shut(changes) }
  }

  private func wait(_ changes: Int32?) {
    let processes = slots.values.compactMap(\.process)
    let reading = [mailbox.bell] + (changes.map { [$0] } ?? []) + processes.map(\.child.channel)
    let writing = Set(processes.filter(\.hasUnsent).map(\.child.channel))
    let ready = Channel.wait(reading: reading, writing: writing, until: deadline())
    if let changes, ready.contains(changes) {
      while case .bytes = Channel.receive(changes, atMost: 16 << 10) {}
      nextLook = .now
    }
    for (name, slot) in slots where slot.process.map({ ready.contains($0.child.channel) }) == true { serve(name) }
  }

  private func deadline() -> Instant {
    let slotDeadlines = slots.values.map { $0.process?.deadline ?? $0.due }
    return (slotDeadlines + [nextLook] + (known.deadline.map { [$0] } ?? [])).min() ?? nextLook
  }

  // MARK: Commands

  private func mailboxSaysStop() -> Bool {
    let (orders, mustStop) = mailbox.take()
    for order in orders { carry(order) }
    return mustStop
  }

  private func carry(_ order: Mailbox.Order) {
    guard let name = known.interface(of: order.device) else { return order.answer.resume(returning: .failure(.unknownDevice)) }
    guard slots[name]?.process != nil else { return order.answer.resume(returning: .failure(.busy("the UPnP worker on \(name) is down; it is started again"))) }
    slots[name]?.process?.perform(order, now: .now)
    if let end = slots[name]?.process?.flush() { ended(name, end) }
  }

  // MARK: Interfaces

  private func look() {
    guard nextLook <= .now else { return }
    nextLook = .now + surroundings.pace.lookEvery
    let suitable = InterfaceFacts.suitable(surroundings.interfaces(), wanted: surroundings.wanted)
    for (name, slot) in slots where !suitable.contains(slot.facts) {
      retire(name, suitable.contains { $0.name == name } ? MediaDeviceEvent.interfaceHasAnotherAddress : MediaDeviceEvent.interfaceIsGone)
    }
    for facts in suitable where slots[facts.name] == nil { slots[facts.name] = Slot(facts: facts, due: .now) }
  }

  // MARK: Workers

  private func tend(_ name: String) {
    guard let slot = slots[name] else { return }
    guard slot.process != nil else {
      if slot.due <= .now { start(name) }
      return
    }
    if let end = slots[name]?.process?.timePassed(.now) { ended(name, end) }
  }

  private func start(_ name: String) {
    do throws(Spawn.Failure) {
      let child = try Spawn.start(surroundings.executable, name: "pngw-upnp", argument: name)
      slots[name]?.process = WorkerProcess(child, pace: surroundings.pace, now: .now)
      logger.debug("upnp worker started", metadata: ["interface": "\(name)", "pid": "\(child.pid)"])
    } catch { down(name, "\(error)", upFor: nil) }
  }

  private func serve(_ name: String) {
    guard let flushed = slots[name]?.process?.flush() else {
      guard let (messages, end) = slots[name]?.process?.read() else { return }
      for message in messages { heard(message, name) }
      if let end { ended(name, end) }
      return
    }
    ended(name, flushed)
  }

  private func heard(_ message: WorkerMessage, _ name: String) {
    switch message {
    case .ready(let address):
      slots[name]?.process?.becameReady(.now)
      known.doubt(name, from: .now)
      logger.info("upnp worker ready", metadata: ["interface": "\(name)", "address": "\(address)"])
      tell(.worker(interface: name, up: true, detail: address))
    case .event(.worker(_, _, let detail)): slots[name]?.process?.lastWords = detail
    case .event(.appeared(var device)):
      device.interface = name
      if known.appeared(device.udn, on: name) { tell(.appeared(device)) }
    case .event(.vanished(let udn, let reason)):
      if known.vanished(udn, on: name) { tell(.vanished(udn, reason)) }
    case .event(.transport(let udn, let state, let uri)):
      if known.interface(of: udn) == name { tell(.transport(udn, state, uri: uri)) }
    case .event(.refused(_, let what, let why)): tell(.refused(interface: name, what: what, why: why))
    case .reply, .failed: break
    }
  }

  private func ended(_ name: String, _ end: WorkerProcess.End) {
    let why: String
    switch end {
    case .closed: why = ""
    case .confused(let what): why = "it sent \(what)"
    case .silent: why = "it did not answer"
    case .stuck: why = "it took no commands"
    }
    guard let (process, how) = stop(name) else { return }
    let detail = [process.lastWords ?? "", why, why.isEmpty ? how : ""].filter { !$0.isEmpty }.joined(separator: "; ")
    down(name, detail, upFor: process.readySince.map { .now - $0 })
  }

  /// Ends the process, whatever it does.
  private func stop(_ name: String) -> (process: WorkerProcess, how: String)? {
    guard var process = slots[name]?.process else { return nil }
    slots[name]?.process = nil
    process.fail()
    return (process, Spawn.reap(process.child))
  }

  /// The interface is not what it was: no worker for it as it was is started again.
  private func retire(_ name: String, _ why: String) {
    _ = stop(name)
    slots[name] = nil
    known.doubt(name, from: .now)
    logger.info("upnp worker retired", metadata: ["interface": "\(name)", "why": "\(why)"])
    tell(.worker(interface: name, up: false, detail: why))
  }

  private func down(_ name: String, _ detail: String, upFor: Duration?) {
    guard let wait = slots[name]?.backoff.next(upFor: upFor) else { return }
    slots[name]?.due = .now + wait
    known.suspend(name)
    logger.warning("upnp worker ended", metadata: ["interface": "\(name)", "why": "\(detail)", "next-start": "\(wait)"])
    tell(.worker(interface: name, up: false, detail: detail))
  }
}
