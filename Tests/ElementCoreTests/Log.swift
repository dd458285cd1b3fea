import Synchronization

/// What happened, in order, for tests that wait until something has.
final class Log<Entry: Sendable>: Sendable {
  private struct State {
    var entries: [Entry] = []
    var waiters: [AsyncStream<Void>.Continuation] = []
  }
  private let state = Mutex(State())

  var entries: [Entry] { state.withLock { $0.entries } }

  func add(_ entry: Entry) {
    let waiters = state.withLock { state in
      state.entries.append(entry)
      return state.waiters
    }
    for waiter in waiters { waiter.yield() }
  }

  /// Waits until `isTrue` of what happened so far; the test's time limit ends a wait that is in vain.
  @discardableResult
  func wait(until isTrue: ([Entry]) -> Bool) async -> [Entry] {
    let (changes, waiter) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    state.withLock { $0.waiters.append(waiter) }
    if isTrue(entries) { return entries }
    for await _ in changes { if isTrue(entries) { return entries } }
    return entries
  }
}
