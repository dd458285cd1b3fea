package import CPNSModel
import CPNSProcedures
import Synchronization

/// The pre-shared keys that PNEs prove, and the one pairing window.
///
/// Looked up in the middle of a TLS handshake, so nothing here waits.
package final class KeyRing: Sendable {
  package struct Window: Sendable, Equatable {
    package var expires: Timestamp
    package var claimedBy: EntityID?
  }

  private struct Ring {
    var pairings: [EntityID: Pairing]
    var window: PairingWindow?
    var windowKey: [UInt8] = []
    /// For people.
    var expires = Timestamp(milliseconds: 0)
    /// Whoever watches was told how the window closed.
    var isToldClosed = true
  }
  private let ring: Mutex<Ring>
  private let gateway: EntityID
  private let secrets: any Secrets
  private let clock: WallClock
  /// The window's time is counted by this: a board that leaves 1970 must not close it, one whose clock is set back not keep it open.
  private let uptime: Stopwatch

  init(gateway: EntityID, pairings: [Pairing], secrets: any Secrets, clock: WallClock, uptime: Stopwatch) {
    self.gateway = gateway
    self.uptime = uptime
    self.secrets = secrets
    self.clock = clock
    ring = Mutex(Ring(pairings: Dictionary(pairings.map { ($0.element, $0) }, uniquingKeysWith: { $1 })))
  }

  /// The key that a handshake with this identity must prove; nil when there is none.
  package func key(for identity: String) -> [UInt8]? {
    switch PSKIdentity(identity) {
    case .pairing:
      ring.withLock { ring in ring.window?.acceptedKey(now: now) == nil ? nil : ring.windowKey }
    case .entityUserKey(let element, let generation):
      ring.withLock { ring in
        guard let pairing = ring.pairings[element], pairing.generation == generation else { return nil }
        return pairing.gatewayKey
      }
    case nil: nil
    }
  }

  /// A handshake with this identity failed.
  /// - Returns: whether that closed the pairing window.
  func failed(_ identity: String) -> Bool {
    guard PSKIdentity(identity) == .pairing else { return false }
    return ring.withLock { ring in
      if case .closed = ring.window?.state { return false }
      ring.window?.handshakeFailed()
      return ring.window?.state == .closed(.tooManyFailures)
    }
  }

  // MARK: Pairing

  /// Opens a window in place of the one that may be open.
  func openWindow(seconds: Int64) -> (code: PairingCode, expires: Timestamp) {
    let code = PairingCode(key: secrets.random(16), gateway: gateway)
    let derived = secrets.derive(key: code.key, salt: code.salt, info: PSKIdentity.pairingInfo)
    let expires = clock.now().adding(seconds: seconds)
    ring.withLock { ring in
      ring.window = PairingWindow(key: code.key, expires: now.adding(seconds: seconds))
      ring.windowKey = derived
      ring.expires = expires
      ring.isToldClosed = false
    }
    return (code, expires)
  }

  func closeWindow() { ring.withLock { $0.window?.cancel() } }

  /// The window that is open now.
  package var window: Window? {
    ring.withLock { ring in
      ring.window?.expire(now: now)
      switch ring.window?.state {
      case .open: return Window(expires: ring.expires, claimedBy: nil)
      case .claimed(let element, _): return Window(expires: ring.expires, claimedBy: element)
      case .closed, nil: return nil
      }
    }
  }

  /// Until the window that is open now expires.
  var timeLeft: Duration? {
    ring.withLock { ring in
      ring.window?.expire(now: now)
      guard let window = ring.window else { return nil }
      if case .closed = window.state { return nil }
      return .milliseconds(window.expires.milliseconds - now.milliseconds)
    }
  }

  /// Milliseconds since the start.
  private var now: Timestamp { Timestamp(milliseconds: Int64(uptime.elapsed / .milliseconds(1))) }

  /// How the window closed, the first time that it is asked after it did.
  func takeClosing() -> PairingWindow.Closing? {
    ring.withLock { ring in
      ring.window?.expire(now: now)
      guard !ring.isToldClosed, case .closed(let why) = ring.window?.state else { return nil }
      ring.isToldClosed = true
      return why
    }
  }

  /// The Entity-User Key for `element` and the pairing to store; nil when the window is not for it.
  func claim(_ element: EntityID, name: String) -> (entityUserKey: [UInt8], pairing: Pairing)? {
    ring.withLock { ring in
      guard let key = ring.window?.claim(element, fresh: secrets.random(32), now: now) else { return nil }
      let derived = secrets.derive(key: key, salt: Array(gateway.urn.utf8), info: PSKIdentity.gatewayKeyInfo)
      let known = ring.pairings[element]
      let generation = known.map { $0.gatewayKey == derived ? $0.generation : $0.generation &+ 1 } ?? 1
      return (key, Pairing(element: element, name: name, generation: generation, gatewayKey: derived, paired: clock.now()))
    }
  }

  /// The pairing is on disk: its key counts.
  func install(_ pairing: Pairing) { ring.withLock { $0.pairings[pairing.element] = pairing } }

  /// - Returns: whether the one-time key of the window is spent by this.
  func proved(_ element: EntityID) -> Bool { ring.withLock { $0.window?.proved(element) ?? false } }

  func forget(_ element: EntityID) { _ = ring.withLock { $0.pairings.removeValue(forKey: element) } }
  func isPaired(_ element: EntityID) -> Bool { ring.withLock { $0.pairings[element] != nil } }
}
