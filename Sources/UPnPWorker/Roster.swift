package import MediaProtocol

/// A device, with how to reach its services.
package struct FoundDevice: Hashable, Sendable {
  package var device: MediaDevice
  package var services: [DescribedService]
  /// Whom the description came from: the only address that it may speak from.
  package var source: IPAddress

  package func service(_ kind: DescribedService.Kind) -> DescribedService? { services.first { $0.kind == kind } }
}

/// Which devices are there, from what they announce and what we find when we ask.
///
///     notice ──▶ describing ──described──▶ known ──max-age over, or a command failed──▶ probing ──fails──▶ gone
///                    └──fails──▶ failed ──later──▶ describing                └──answers──▶ known
///     byebye from the device's own address: gone at once
///
/// One root for each description URL; a root may hold several devices. Time is an argument.
package struct Roster {
  package typealias Instant = ContinuousClock.Instant

  /// Descriptions known at once. At the bound new ones are refused: known devices first.
  package static let mostRoots = 256
  /// Descriptions from one address: a machine with 8 renderers is real, one with 100 is an attack.
  package static let mostRootsOfOneAddress = 8
  package static let mostDevices = 256
  /// Waits after a description failed; afterwards the last one, until the device's notices stop.
  package static let retrySeconds = [2, 10, 60, 300]
  /// A device that answered a probe counts as there for at least this long.
  package static let probedSeconds = 60

  package enum Event: Equatable {
    case noticed(SSDPNotice, from: IPAddress)
    case saidGoodbye(UDN, from: IPAddress)
    case described(LANURL, devices: [FoundDevice])
    case notDescribed(LANURL, why: String)
    case probed(LANURL, answered: Bool)
    /// A command or a renewal did not get through to it.
    case wasUnreachable(UDN)
    case timePassed
  }

  package enum Action: Equatable {
    case describe(LANURL, from: IPAddress)
    case probe(LANURL)
    case appear(FoundDevice)
    case vanish(UDN, VanishReason)
    case refuse(String, why: String)
    /// A goodbye may be forged or out of order: who is still there answers.
    case searchSoon
  }

  private enum Phase: Equatable { case describing, known, probing(VanishReason), failed(until: Instant) }

  private struct Root {
    var source: IPAddress
    var phase = Phase.describing
    var expires: Instant
    var maxAge: Int
    var failures = 0
    /// What is there now.
    var devices: [UDN: FoundDevice] = [:]
    /// Said goodbye since the description was read.
    var gone: Set<UDN> = []
    /// Who announced themselves with this URL.
    var announced: Set<UDN> = []
  }

  private var roots: [LANURL: Root] = [:]

  package init() {}

  package func found(_ udn: UDN) -> FoundDevice? { roots.values.lazy.compactMap { $0.devices[udn] }.first }
  package var count: Int { roots.values.reduce(0) { $0 + $1.devices.count } }

  package mutating func on(_ event: Event, now: Instant) -> [Action] {
    switch event {
    case .noticed(let notice, let source): return noticed(notice, source, now)
    case .saidGoodbye(let udn, let source): return saidGoodbye(udn, source)
    case .described(let url, let devices): return described(url, devices, now)
    case .notDescribed(let url, let why): return notDescribed(url, why, now)
    case .probed(let url, let answered): return probed(url, answered, now)
    case .wasUnreachable(let udn): return wasUnreachable(udn)
    case .timePassed: return roots.keys.flatMap { timePassed($0, now) }
    }
  }

  /// When ``Event/timePassed`` is due.
  package var deadline: Instant? {
    roots.values.compactMap { root in
      switch root.phase {
      case .describing, .probing: nil
      case .known: root.expires
      case .failed(let until): min(until, root.expires)
      }
    }.min()
  }

  private mutating func noticed(_ notice: SSDPNotice, _ source: IPAddress, _ now: Instant) -> [Action] {
    guard var root = roots[notice.location] else { return newRoot(notice, source, now) }
    guard root.source == source else { return [.refuse("\(notice.location)", why: "announced by \(source) and not by its own address")] }
    root.expires = max(root.expires, now + .seconds(notice.maxAge))
    root.maxAge = notice.maxAge
    if root.announced.count < DeviceDescription.mostDevices { root.announced.insert(notice.udn) }
    defer { roots[notice.location] = root }
    guard root.phase == .known, root.gone.contains(notice.udn) else { return [] }
    root.phase = .describing
    return [.describe(notice.location, from: source)]
  }

  private mutating func newRoot(_ notice: SSDPNotice, _ source: IPAddress, _ now: Instant) -> [Action] {
    guard roots.count < Self.mostRoots else { return [.refuse("\(notice.location)", why: "\(Self.mostRoots) descriptions are known already")] }
    guard roots.values.count(where: { $0.source == source }) < Self.mostRootsOfOneAddress else {
      return [.refuse("\(notice.location)", why: "\(source) has \(Self.mostRootsOfOneAddress) descriptions already")]
    }
    roots[notice.location] = Root(source: source, expires: now + .seconds(notice.maxAge), maxAge: notice.maxAge, announced: [notice.udn])
    return [.describe(notice.location, from: source)]
  }

  private mutating func saidGoodbye(_ udn: UDN, _ source: IPAddress) -> [Action] {
    guard let (url, root) = roots.first(where: { ($0.value.devices[udn] != nil || $0.value.announced.contains(udn)) && $0.value.source == source }) else { return [] }
    guard root.devices[udn] != nil else {
      // Not described yet, or said before.
      if root.devices.isEmpty { roots[url] = nil }
      return []
    }
    roots[url]?.devices[udn] = nil
    roots[url]?.gone.insert(udn)
    if roots[url]?.devices.isEmpty == true { roots[url] = nil }
    return [.vanish(udn, .byebye), .searchSoon] + inherit([udn])
  }

  private mutating func described(_ url: LANURL, _ devices: [FoundDevice], _ now: Instant) -> [Action] {
    guard var root = roots[url] else { return [] }
    if let (udn, other) = claim(of: devices, at: root.source) { return contest(udn, at: other, by: url, now) }
    var actions: [Action] = []
    let previous = root.devices
    root.phase = .known
    root.failures = 0
    root.gone = []
    root.devices = [:]
    for found in devices {
      let udn = found.device.udn
      takeOver(udn, from: url)
      guard count - previous.count + root.devices.count < Self.mostDevices else {
        actions.append(.refuse(found.device.friendlyName, why: "\(Self.mostDevices) devices are known already"))
        continue
      }
      root.devices[udn] = found
      if previous[udn] != found { actions.append(.appear(found)) }
    }
    for udn in previous.keys where root.devices[udn] == nil { actions.append(.vanish(udn, .byebye)) }
    roots[url] = root
    return actions
  }

  /// A device among these that is known at another address.
  private func claim(of devices: [FoundDevice], at source: IPAddress) -> (UDN, LANURL)? {
    for found in devices {
      for (url, root) in roots where root.source != source && root.devices[found.device.udn] != nil { return (found.device.udn, url) }
    }
    return nil
  }

  /// It got another address, or somebody takes its name: as long as it answers where it is, it stays there.
  private mutating func contest(_ udn: UDN, at known: LANURL, by url: LANURL, _ now: Instant) -> [Action] {
    let refusal = notDescribed(url, "\(udn) is at \(known.host) already, and is asked there first", now)
    guard roots[known]?.phase == .known else { return refusal }
    roots[known]?.phase = .probing(.probeFailed)
    return refusal + [.probe(known)]
  }

  /// The device has a new description URL at its address: it was restarted.
  private mutating func takeOver(_ udn: UDN, from url: LANURL) {
    for (other, root) in roots where other != url && root.devices[udn] != nil {
      roots[other]?.devices[udn] = nil
      if roots[other]?.devices.isEmpty == true { roots[other] = nil }
    }
  }

  private mutating func notDescribed(_ url: LANURL, _ why: String, _ now: Instant) -> [Action] {
    guard let failures = roots[url]?.failures else { return [] }
    let wait = Self.retrySeconds[min(failures, Self.retrySeconds.count - 1)]
    roots[url]?.failures = failures + 1
    roots[url]?.phase = .failed(until: now + .seconds(wait))
    return [.refuse("\(url)", why: why)]
  }

  private mutating func probed(_ url: LANURL, _ answered: Bool, _ now: Instant) -> [Action] {
    guard let root = roots[url], case .probing(let reason) = root.phase else { return [] }
    if answered {
      roots[url]?.phase = .known
      roots[url]?.expires = max(root.expires, now + .seconds(max(root.maxAge, Self.probedSeconds)))
      return []
    }
    roots[url] = nil
    return root.devices.keys.map { .vanish($0, reason) } + inherit(root.devices.keys)
  }

  /// Whoever was refused because a device was elsewhere gets another look at once.
  private mutating func inherit(_ udns: some Collection<UDN>) -> [Action] {
    var actions: [Action] = []
    for (url, root) in roots {
      guard case .failed = root.phase, !root.announced.isDisjoint(with: udns) else { continue }
      roots[url]?.phase = .describing
      actions.append(.describe(url, from: root.source))
    }
    return actions
  }

  private mutating func wasUnreachable(_ udn: UDN) -> [Action] {
    guard let (url, root) = roots.first(where: { $0.value.devices[udn] != nil }), root.phase == .known else { return [] }
    roots[url]?.phase = .probing(.probeFailed)
    return [.probe(url)]
  }

  private mutating func timePassed(_ url: LANURL, _ now: Instant) -> [Action] {
    guard let root = roots[url] else { return [] }
    switch root.phase {
    case .describing, .probing: return []
    case .known:
      guard now >= root.expires else { return [] }
      roots[url]?.phase = .probing(.maxAge)
      return [.probe(url)]
    case .failed(let until):
      if now >= root.expires {
        roots[url] = nil
        return root.devices.keys.map { .vanish($0, .maxAge) }
      }
      guard now >= until else { return [] }
      roots[url]?.phase = .describing
      return [.describe(url, from: root.source)]
    }
  }
}
