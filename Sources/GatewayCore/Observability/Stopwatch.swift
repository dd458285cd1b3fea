/// Time since it was made, by a clock that nobody sets.
package struct Stopwatch: Sendable {
  private let read: @Sendable () -> Duration

  package init(on clock: any Clock<Duration>) { read = Self.start(clock) }

  package var elapsed: Duration { read() }

  private static func start(_ clock: some Clock<Duration>) -> @Sendable () -> Duration {
    let began = clock.now
    return { began.duration(to: clock.now) }
  }
}
