/// How long to wait before the next try: exponential, and full jitter after the cap, so that a thousand gateways that
/// lost the same server come back spread over the whole cap and not in step.
package struct ReconnectBackoff: Sendable {
  package let first: Duration
  package let limit: Duration
  private var tries = 0

  /// - Parameters:
  ///   - first: upper bound of the first wait, above 0.
  ///   - limit: the cap; no wait is longer.
  package init(first: Duration, limit: Duration) {
    self.first = first
    self.limit = limit
  }

  /// - Parameter random: evenly spread in 0..<1.
  package mutating func next(random: Double) -> Duration {
    let doubled = first * Double(1 << min(tries, 30))
    tries += 1
    return min(doubled, limit) * min(max(random, 0), 1)
  }

  /// The link proved itself: the next loss begins at `first` again.
  package mutating func reset() { tries = 0 }
}
