/// How long a worker that ended stays down: longer with each end in a row, never twice the same.
package struct RestartBackoff: Sendable {
  /// After the first end.
  package static let first = Duration.milliseconds(200)
  /// A worker that can't start at all costs one try in this time.
  package static let longest = Duration.seconds(30)
  /// A worker that was up this long had no trouble starting.
  package static let steady = Duration.seconds(60)

  private var ends = 0

  package init() {}

  /// - Parameter upFor: since it said that it is ready; nil when it never did.
  package mutating func next(upFor: Duration?, random: Double = .random(in: 0...1)) -> Duration {
    if let upFor, upFor >= Self.steady { ends = 0 }
    let whole = min(Self.longest, Self.first * (1 << min(ends, 16)))
    ends += 1
    // Between half and all of it: workers of several interfaces do not start in step.
    return whole * (0.5 + 0.5 * min(max(random, 0), 1))
  }
}
