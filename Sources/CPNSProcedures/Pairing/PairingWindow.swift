package import CPNSModel

/// The time during which one new PNE may pair (docs/protocol.md, "Pairing").
///
///     closed ──open──▶ open ──claim(E)──▶ claimed by E ──E connects with its EUKey──▶ closed(paired)
///       ▲                │ 5 bad handshakes, time       │ time
///       └────────────────┴──────────────────────────────┘
///
/// A claim may be repeated by the same entity, and gets the same key: the answer to the first may have been lost.
package struct PairingWindow: Sendable, Equatable {
  package enum Closing: Sendable, Equatable { case paired(EntityID), expired, tooManyFailures, cancelled }

  package enum State: Sendable, Equatable {
    case open
    case claimed(EntityID, entityUserKey: [UInt8])
    case closed(Closing)
  }

  /// Wrong keys that close the window: nobody mistypes a code more often, and a guesser gets no farther.
  package static let maximumFailures = 5

  package let key: [UInt8]
  package let expires: Timestamp
  package private(set) var state: State = .open
  private var failures = 0

  package init(key: [UInt8], expires: Timestamp) {
    self.key = key
    self.expires = expires
  }

  /// The key that a pairing handshake must prove, or nil when the window is closed.
  package mutating func acceptedKey(now: Timestamp) -> [UInt8]? {
    expire(now: now)
    if case .closed = state { return nil }
    return key
  }

  package mutating func handshakeFailed() {
    if case .closed = state { return }
    failures += 1
    if failures >= Self.maximumFailures { state = .closed(.tooManyFailures) }
  }

  /// - Parameter fresh: the key to assign when this is the first claim.
  /// - Returns: the Entity-User Key for `entity`, or nil when another entity has claimed or the window is closed.
  package mutating func claim(_ entity: EntityID, fresh: [UInt8], now: Timestamp) -> [UInt8]? {
    expire(now: now)
    switch state {
    case .open:
      state = .claimed(entity, entityUserKey: fresh)
      return fresh
    case .claimed(entity, let key): return key
    case .claimed, .closed: return nil
    }
  }

  /// `entity` has proved that it has its Entity-User Key: the one-time key is spent.
  /// - Returns: whether that closed this window.
  package mutating func proved(_ entity: EntityID) -> Bool {
    guard case .claimed(entity, _) = state else { return false }
    state = .closed(.paired(entity))
    return true
  }

  package mutating func cancel() {
    if case .closed = state { return }
    state = .closed(.cancelled)
  }

  package mutating func expire(now: Timestamp) {
    if case .closed = state { return }
    if now >= expires { state = .closed(.expired) }
  }
}
