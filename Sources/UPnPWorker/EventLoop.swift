import Glibc

/// The worker's one thread: waits for descriptors and for time, and calls who waits for them.
///
/// One thread needs no locks, and a process with few threads stays small.
package final class EventLoop {
  package typealias Instant = ContinuousClock.Instant
  package typealias TimerID = UInt64

  private struct Watch {
    var events: Int16
    var ready: () -> Void
  }
  private struct Timer {
    var due: Instant
    var action: () -> Void
  }

  private var watches: [Int32: Watch] = [:]
  private var timers: [TimerID: Timer] = [:]
  private var lastTimer: TimerID = 0
  private var result: Int32?
  private let clock: LoopClock

  package init(clock: LoopClock = LoopClock()) { self.clock = clock }

  package var now: Instant { clock.now }

  package func whenReadable(_ fd: Int32, _ ready: @escaping () -> Void) { watches[fd] = Watch(events: Int16(POLLIN), ready: ready) }
  package func whenWritable(_ fd: Int32, _ ready: @escaping () -> Void) { watches[fd] = Watch(events: Int16(POLLOUT), ready: ready) }
  package func forget(_ fd: Int32) { watches[fd] = nil }

  @discardableResult
  package func after(_ delay: Duration, _ action: @escaping () -> Void) -> TimerID { at(now + delay, action) }

  @discardableResult
  package func at(_ due: Instant, _ action: @escaping () -> Void) -> TimerID {
    lastTimer += 1
    timers[lastTimer] = Timer(due: due, action: action)
    return lastTimer
  }

  package func cancel(_ timer: TimerID?) { if let timer { timers[timer] = nil } }

  /// Ends ``run()`` with this result.
  package func stop(_ result: Int32) { self.result = self.result ?? result }

  package func run() -> Int32 {
    while result == nil { turn() }
    defer { result = nil }
    return result ?? 0
  }

  private func turn() {
    var set = watches.map { pollfd(fd: $0.key, events: $0.value.events, revents: 0) }
    let due = timers.values.map(\.due).min()
    let ready = poll(&set, nfds_t(set.count), clock.patience(until: due))
    if ready > 0 {
      // A callback may forget what comes later in the set.
      for entry in set where entry.revents != 0 { watches[entry.fd]?.ready() }
    } else if ready == 0 {
      clock.waited(for: due)
    }
    let now = now
    for (id, timer) in timers.filter({ $0.value.due <= now }).sorted(by: { ($0.value.due, $0.key) < ($1.value.due, $1.key) }) where timers[id] != nil {
      timers[id] = nil
      timer.action()
    }
  }
}
