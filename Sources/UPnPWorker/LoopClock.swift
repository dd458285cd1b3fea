/// Where a loop's time comes from. Tests have one that jumps.
package class LoopClock {
  package typealias Instant = ContinuousClock.Instant

  package init() {}

  package var now: Instant { .now }

  /// How long to wait for descriptors, in milliseconds; rounded up, so that the timer is due then. -1: for ever.
  package func patience(until due: Instant?) -> Int32 {
    guard let due else { return -1 }
    let wait = (due - now).components
    guard wait.seconds >= 0, wait.attoseconds >= 0 else { return 0 }
    return Int32(min(wait.seconds, 60) * 1000 + wait.attoseconds / 1_000_000_000_000_000 + 1)
  }

  /// Nothing happened for that long.
  package func waited(for due: Instant?) {}
}
