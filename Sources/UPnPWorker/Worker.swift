import Glibc
import MediaProtocol

/// One interface's devices: joins what is announced, what is found and what is commanded. All on one thread.
final class Worker {
  /// Time for a command, a little less than the supervisor's 5 s, so that the reason is ours and not "no answer".
  static let commandLimit = Duration.milliseconds(4800)
  /// Commands under way; the supervisor has its own bound.
  static let mostCommands = 64
  /// libupnp does not start while an address of the interface is still being checked for duplicates, which takes IPv6 one to
  /// two seconds after the interface came up. Our own searches find devices meanwhile.
  static let listenAgain = Duration.milliseconds(500)
  static let mostListenTries = 20
  /// Reports of refused things in a minute: a flood from the LAN must not become a flood in the log.
  static let mostRefusals = 30

  private let loop: EventLoop
  private let place: Finder.Place
  private let client: HTTPClient
  private let finder: Finder
  private let commands: Commands
  private var roster = Roster()
  private var timer: EventLoop.TimerID?
  private var underway = 0
  private var refusals = 0
  private var channel: SupervisorChannel?
  private var searcher: Searcher?
  private var listener: EventListener?
  private var transports: Transports?

  init(loop: EventLoop, place: Finder.Place) {
    self.loop = loop
    self.place = place
    client = HTTPClient(loop: loop, interface: place.interface, local: place.local)
    finder = Finder(client: client, place: place)
    commands = Commands(client: client)
  }

  func start(channel descriptor: Int32) throws {
    channel = SupervisorChannel(loop: loop, descriptor: descriptor) { [weak self] in self?.obey($0) }
    transports = makeTransports()
    let listener = try EventListener(loop: loop, local: place.local, interface: place.interface) { [weak self] in
      self?.transports?.expects($0) ?? false
    } handler: { [weak self] in self?.transports?.take($0, from: $1) ?? 503 }
    transports?.callback = "\(place.local):\(listener.port)"
    self.listener = listener
    searcher = try Searcher(loop: loop, local: place.local, interface: place.interface) { [weak self] in self?.heard($0, from: $1) }
    forgiveRefusals()
    channel?.send(.ready(address: "\(place.local)"))
    searcher?.start()
    listen(triesLeft: Self.mostListenTries)
  }

  private func listen(triesLeft: Int) {
    do throws(SSDPListener.Failure) {
      let ssdp = try SSDPListener(interface: place.interface)
      loop.whenReadable(ssdp.wakeup) { [weak self] in
        for announcement in ssdp.take() { self?.heard(announcement) }
      }
    } catch {
      guard triesLeft > 1 else {
        tell(.worker(interface: place.interface, up: false, detail: "\(error)"))
        return loop.stop(ExitCode.noStart)
      }
      loop.after(Self.listenAgain) { [weak self] in self?.listen(triesLeft: triesLeft - 1) }
    }
  }

  func report(failure: String, to descriptor: Int32) {
    let channel = channel ?? SupervisorChannel(loop: loop, descriptor: descriptor) { _ in }
    channel.send(.event(.worker(interface: place.interface, up: false, detail: failure)))
  }

  private func makeTransports() -> Transports {
    Transports(loop: loop, client: client) { [weak self] udn, state, uri in
      self?.tell(.transport(udn, state, uri: uri))
    } unreachable: { [weak self] udn in
      self?.on(.wasUnreachable(udn))
    } refused: { [weak self] what, why in
      self?.refuse(what, why)
    } ask: { [weak self] found, done in
      guard let self else { return }
      commands.perform(.transportInfo, on: found, until: loop.now + Self.commandLimit) { result in
        if case .success(.transport(let state)) = result { done(state) } else { done(nil) }
      }
    }
  }

  // MARK: What devices say

  private func heard(_ announcement: Announcement) {
    // The others of the same device come beside it, and packets from other networks are none of ours.
    guard SSDPNotice.isMedia(announcement.type), (try? place.policy.check(source: announcement.source)) != nil else { return }
    guard let udn = UDN(described: announcement.device) else { return refuse("an announcement of \(announcement.source)", "it has no usable USN") }
    if announcement.isByebye { return on(.saidGoodbye(udn, from: announcement.source)) }
    do throws(LANRefusal) {
      let maxAge = announcement.maxAge > 0 ? announcement.maxAge : nil
      notice(SSDPNotice(udn: udn, location: try LANURL(announcement.location), maxAge: maxAge), from: announcement.source)
    } catch { refuse("an announcement of \(announcement.source)", "\(error)") }
  }

  private func heard(_ answer: [UInt8], from source: IPAddress) {
    guard (try? place.policy.check(source: source)) != nil else { return }
    do throws(SSDPRefusal) {
      if let found = try SSDPNotice(answer: answer) { notice(found, from: source) }
    } catch { refuse("a search answer of \(source)", "\(error)") }
  }

  private func notice(_ notice: SSDPNotice, from source: IPAddress) {
    do throws(LANRefusal) {
      try place.policy.check(notice.location, from: source)
      on(.noticed(notice, from: source))
    } catch { refuse("\(notice.location)", "\(error)") }
  }

  // MARK: The roster

  private func on(_ event: Roster.Event) {
    for action in roster.on(event, now: loop.now) { perform(action) }
    loop.cancel(timer)
    timer = roster.deadline.map { due in loop.at(due) { [weak self] in self?.on(.timePassed) } }
  }

  private func perform(_ action: Roster.Action) {
    switch action {
    case .describe(let url, let source):
      finder.find(url, from: source) { [weak self] in self?.found(url, $0) }
    case .probe(let url):
      finder.probe(url) { [weak self] in self?.on(.probed(url, answered: $0)) }
    case .appear(let found):
      tell(.appeared(found.device))
      transports?.begin(found)
    case .vanish(let udn, let reason):
      transports?.end(udn)
      tell(.vanished(udn, reason))
    case .refuse(let what, let why): refuse(what, why)
    case .searchSoon: searcher?.searchSoon()
    }
  }

  private func found(_ url: LANURL, _ finding: Finder.Finding) {
    switch finding {
    case .success(let devices): on(.described(url, devices: devices))
    case .failure(let refusal): on(.notDescribed(url, why: refusal.why))
    }
  }

  // MARK: What the supervisor says

  private func obey(_ command: WorkerCommand) {
    guard case .perform(let order, let udn) = command.order else { return answer(command.id, .success(.done)) }
    guard let found = roster.found(udn) else { return answer(command.id, .failure(.unknownDevice)) }
    guard underway < Self.mostCommands else { return answer(command.id, .failure(.busy("\(Self.mostCommands) commands are under way"))) }
    underway += 1
    if case .play = order { transports?.plays(udn) }
    commands.perform(order, on: found, until: loop.now + Self.commandLimit) { [weak self] result in
      self?.underway -= 1
      self?.answer(command.id, result)
      if case .play = order, case .success = result { self?.transports?.played(udn) }
      if case .failure(.unreachable) = result { self?.on(.wasUnreachable(udn)) }
    }
  }

  private func answer(_ id: UInt64, _ result: Result<MediaReply, MediaError>) {
    switch result {
    case .success(let reply): channel?.send(.reply(id, reply))
    case .failure(let error): channel?.send(.failed(id, error))
    }
  }

  private func tell(_ event: MediaDeviceEvent) { channel?.send(.event(event)) }

  private func refuse(_ what: String, _ why: String) {
    refusals += 1
    guard refusals <= Self.mostRefusals else { return }
    tell(.refused(interface: place.interface, what: String(what.prefix(200)), why: String(why.prefix(300))))
  }

  private func forgiveRefusals() {
    loop.after(.seconds(60)) { [weak self] in
      guard let self else { return }
      let unsaid = refusals - Self.mostRefusals
      refusals = 0
      if unsaid > 0 { tell(.refused(interface: place.interface, what: "\(unsaid) more in the last minute", why: "only \(Self.mostRefusals) a minute are told")) }
      forgiveRefusals()
    }
  }
}
