import Synchronization

/// Lets one through at a time; nobody waits.
final class Turnstile: Sendable {
  private let isTaken = Mutex(false)

  /// - Returns: false when somebody is in.
  func enter() -> Bool {
    isTaken.withLock { isTaken in
      if isTaken { return false }
      isTaken = true
      return true
    }
  }

  func leave() { isTaken.withLock { $0 = false } }
}
