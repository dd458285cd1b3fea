import CPNSModel
import Synchronization
import Testing

/// Time that moves when the test says so.
final class ManualClock: Clock {
  struct Instant: InstantProtocol {
    var offset: Duration
    func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    func duration(to other: Instant) -> Duration { other.offset - offset }
    static func < (a: Instant, b: Instant) -> Bool { a.offset < b.offset }
  }

  private struct Sleeper {
    var until: Instant
    var continuation: CheckedContinuation<Bool, Never>
  }
  private struct State {
    var now = Instant(offset: .zero)
    var next = 0
    var sleepers: [Int: Sleeper] = [:]
    var asked: [Duration] = []
    var cancelled: Set<Int> = []
  }
  private let state = Mutex(State())

  var now: Instant { state.withLock { $0.now } }
  let minimumResolution = Duration.zero

  /// Every sleep that was asked for, in order.
  var asked: [Duration] { state.withLock { $0.asked } }
  var sleepers: Int { state.withLock { $0.sleepers.count } }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let id = state.withLock { state in
      state.next += 1
      state.asked.append(state.now.duration(to: deadline))
      return state.next
    }
    let slept = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let done: Bool? = state.withLock { state in
          if Task.isCancelled || state.cancelled.remove(id) != nil { return false }
          if deadline <= state.now { return true }
          state.sleepers[id] = Sleeper(until: deadline, continuation: continuation)
          return nil
        }
        if let done { continuation.resume(returning: done) }
      }
    } onCancel: {
      let sleeper = state.withLock { state in
        if state.sleepers[id] == nil { state.cancelled.insert(id) }
        return state.sleepers.removeValue(forKey: id)
      }
      sleeper?.continuation.resume(returning: false)
    }
    if !slept { throw CancellationError() }
  }

  /// Moves time; whoever slept until then wakes, in order.
  func advance(by duration: Duration) {
    let due = state.withLock { state in
      state.now = state.now.advanced(by: duration)
      let due = state.sleepers.filter { $0.value.until <= state.now }
      for id in due.keys { state.sleepers[id] = nil }
      return due.values.sorted { $0.until < $1.until }
    }
    for sleeper in due { sleeper.continuation.resume(returning: true) }
  }

  /// Waits until somebody sleeps for `duration` more (within a millisecond), then moves on by it.
  func pass(_ duration: Duration) async {
    await eventually("somebody sleeps for \(duration)") {
      self.state.withLock { state in state.sleepers.values.contains { abs(state.now.duration(to: $0.until) - duration) < .milliseconds(1) } }
    }
    advance(by: duration)
  }

  /// Lets time pass, step by step, until `body` returns.
  func passing<T: Sendable>(_ step: Duration = .seconds(1), while body: () async throws -> T) async throws -> T {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        while !Task.isCancelled {
          for _ in 0..<100 { await Task.yield() }
          self.advance(by: step)
        }
      }
      defer { group.cancelAll() }
      return try await body()
    }
  }

  private func abs(_ duration: Duration) -> Duration { duration < .zero ? .zero - duration : duration }
}

/// A wall clock that a test can set.
final class ManualWallClock: Sendable {
  private let time: Mutex<Int64>
  init(_ milliseconds: Int64 = 1_790_000_000_000) { time = Mutex(milliseconds) }
  var clock: WallClock { WallClock { Timestamp(milliseconds: self.time.withLock { $0 }) } }
  func advance(seconds: Int64) { time.withLock { $0 += seconds * 1000 } }
  func set(_ milliseconds: Int64) { time.withLock { $0 = milliseconds } }
}
