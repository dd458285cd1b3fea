package import MediaProtocol

/// What renderers play: by their events (GENA), and by asking where events do not come.
///
/// A renderer is subscribed to as long as it is there. Events count only from its own address and with its own SID.
package final class Transports {
  /// Asked for; renewed after half of what the device grants.
  static let subscriptionSeconds = 300
  static let grantBounds = 10...3600
  /// Another try after a subscription was refused.
  static let againSeconds = 60
  /// A renderer that has sent no event this long after Play is asked instead.
  static let eventSeconds = 3
  static let askSeconds = 1
  /// Asking ends after 6 hours: longer than any film.
  static let mostAsks = 6 * 3600
  /// Failures in a row that end the asking: the probe decides whether the device is there.
  static let mostFailures = 5
  /// Longest SID that is kept, in bytes; the usual form has 41.
  static let longestSID = 256

  private struct Subscription {
    var found: FoundDevice
    var path: String
    var sid: String?
    var timer: EventLoop.TimerID?
    var asking: EventLoop.TimerID?
    var asks = 0
    var failures = 0
    var events = 0
    /// How many there were when it was told to play.
    var eventsBefore = 0
    var state: TransportState?
    var hasPlayed = false
  }

  private let loop: EventLoop
  private let client: HTTPClient
  private let tell: (UDN, TransportState, String?) -> Void
  private let unreachable: (UDN) -> Void
  private let refused: (String, String) -> Void
  private let ask: (FoundDevice, @escaping (TransportState?) -> Void) -> Void
  private var subscriptions: [UDN: Subscription] = [:]
  /// `host:port` of our event listener.
  package var callback: String?

  package init(
    loop: EventLoop, client: HTTPClient, tell: @escaping (UDN, TransportState, String?) -> Void, unreachable: @escaping (UDN) -> Void,
    refused: @escaping (String, String) -> Void, ask: @escaping (FoundDevice, @escaping (TransportState?) -> Void) -> Void
  ) {
    self.loop = loop
    self.client = client
    self.tell = tell
    self.unreachable = unreachable
    self.refused = refused
    self.ask = ask
  }

  package func expects(_ address: IPAddress) -> Bool { subscriptions.values.contains { $0.found.source == address } }

  package func begin(_ found: FoundDevice) {
    end(found.device.udn)
    guard found.device.role == .renderer, found.service(.avTransport) != nil else { return }
    let token = String(UInt64.random(in: .min ... .max), radix: 16) + String(UInt64.random(in: .min ... .max), radix: 16)
    subscriptions[found.device.udn] = Subscription(found: found, path: "/e/\(token)")
    subscribe(found.device.udn)
  }

  package func end(_ udn: UDN) {
    guard let old = subscriptions.removeValue(forKey: udn) else { return }
    loop.cancel(old.timer)
    loop.cancel(old.asking)
  }

  /// It is told to play: its events may be here before its answer.
  package func plays(_ udn: UDN) {
    guard let events = subscriptions[udn]?.events else { return }
    subscriptions[udn]?.eventsBefore = events
  }

  /// It took the command: from now on its state matters.
  package func played(_ udn: UDN) {
    guard let known = subscriptions[udn], known.events == known.eventsBefore else { return }
    subscriptions[udn]?.asks = 0
    subscriptions[udn]?.failures = 0
    subscriptions[udn]?.hasPlayed = false
    loop.cancel(known.asking)
    subscriptions[udn]?.asking = loop.after(.seconds(known.sid == nil ? Self.askSeconds : Self.eventSeconds)) { [weak self] in self?.askAgain(udn) }
  }

  private func askAgain(_ udn: UDN) {
    guard let known = subscriptions[udn], known.asks < Self.mostAsks, known.failures < Self.mostFailures else { return }
    let (events, path) = (known.events, known.path)
    subscriptions[udn]?.asks += 1
    ask(known.found) { [weak self] state in
      // Events that come after all end the asking, also while the answer is under way, and so does another subscription.
      guard let self, let known = subscriptions[udn], known.path == path, known.events == events else { return }
      subscriptions[udn]?.failures = state == nil ? known.failures + 1 : 0
      if let state { changed(udn, TransportChange(state: state, uri: nil)) }
      let isOver = state == .stopped || state == .noMedia
      if isOver && subscriptions[udn]?.hasPlayed == true { return }
      subscriptions[udn]?.asking = loop.after(.seconds(Self.askSeconds)) { [weak self] in self?.askAgain(udn) }
    }
  }

  private func changed(_ udn: UDN, _ change: TransportChange) {
    guard let known = subscriptions[udn] else { return }
    if change.state == .playing { subscriptions[udn]?.hasPlayed = true }
    guard let state = change.state ?? known.state, state != known.state || change.uri != nil else { return }
    subscriptions[udn]?.state = state
    tell(udn, state, change.uri)
  }

  // MARK: Subscribing

  private func subscribe(_ udn: UDN) {
    guard let known = subscriptions[udn], let callback, let url = known.found.service(.avTransport)?.event else { return }
    let isRenewal = known.sid != nil
    var fields = [("TIMEOUT", "Second-\(Self.subscriptionSeconds)")]
    if let sid = known.sid { fields.append(("SID", sid)) } else { fields += [("CALLBACK", "<http://\(callback)\(known.path)>"), ("NT", "upnp:event")] }
    let request = HTTPRequest(method: "SUBSCRIBE", url: url, fields: fields, bodyLimit: 4 << 10, lane: .discovery, limit: .within(.seconds(2)))
    client.send(request) { [weak self] result in
      guard let self, subscriptions[udn]?.path == known.path else { return }
      switch result {
      case .success(let message): answered(udn, message, isRenewal: isRenewal)
      case .failure(let failure): failed(udn, failure, isRenewal: isRenewal)
      }
    }
  }

  private func answered(_ udn: UDN, _ message: HTTPMessage, isRenewal: Bool) {
    guard message.head.status == 200, let sid = message.head.value("sid"), sid.utf8.count <= Self.longestSID else {
      if isRenewal {
        // It has forgotten us, perhaps by a restart: begin anew.
        subscriptions[udn]?.sid = nil
        return subscribe(udn)
      }
      refused("events of \(udn)", "its answer to SUBSCRIBE was \"\(message.head.firstLine.prefix(60))\"")
      return later(udn, Self.againSeconds)
    }
    subscriptions[udn]?.sid = sid
    let granted = message.head.subscriptionSeconds ?? Self.subscriptionSeconds
    later(udn, min(max(granted, Self.grantBounds.lowerBound), Self.grantBounds.upperBound) / 2)
  }

  private func failed(_ udn: UDN, _ failure: HTTPFailure, isRenewal: Bool) {
    subscriptions[udn]?.sid = nil
    later(udn, isRenewal ? 1 : Self.againSeconds)
    if case .refused = failure { return refused("events of \(udn)", "\(failure)") }
    unreachable(udn)
  }

  private func later(_ udn: UDN, _ seconds: Int) {
    loop.cancel(subscriptions[udn]?.timer)
    subscriptions[udn]?.timer = loop.after(.seconds(seconds)) { [weak self] in self?.subscribe(udn) }
  }

  // MARK: Events

  /// - Returns: the status for the device (UPnP Device Architecture 1.1, 4.3.2).
  package func take(_ message: HTTPMessage, from address: IPAddress) -> Int {
    guard let (method, path) = message.head.request, method == "NOTIFY" else { return 405 }
    guard let (udn, known) = subscriptions.first(where: { $0.value.path == path && $0.value.found.source == address }) else { return 412 }
    guard let sid = message.head.value("sid"), sid.utf8.count <= Self.longestSID, known.sid == nil || known.sid == sid else { return 412 }
    // The first event often comes before the answer to SUBSCRIBE.
    subscriptions[udn]?.sid = sid
    do throws(XMLRefusal) {
      let set = try parseXML(message.body, limits: .event)
      guard let inner = TransportChange.lastChange(in: set) else { return 200 }
      guard let change = TransportChange(lastChange: try parseXML(Array(inner.utf8), limits: .event)) else { return 200 }
      subscriptions[udn]?.events += 1
      loop.cancel(known.asking)
      changed(udn, change)
      return 200
    } catch {
      refused("an event of \(udn)", "\(error)")
      return 400
    }
  }
}
