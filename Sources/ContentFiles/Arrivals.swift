import GatewayCore
import Synchronization

/// What of a content is there, and who waits for more.
///
///     arriving ──failed──▶ failed ──more bytes──▶ arriving ──whole──▶ whole
final class Arrivals: Sendable {
  private struct Waiter {
    var offset: UInt64
    var continuation: CheckedContinuation<Result<UInt64, StageError>, Never>
  }
  private struct State {
    var available: UInt64 = 0
    var sha256: [UInt8]?
    var failure: StageError?
    var waiters: [UInt64: Waiter] = [:]
    var count: UInt64 = 0

    /// nil: one has to wait.
    func answer(past offset: UInt64) -> Result<UInt64, StageError>? {
      if offset > available { return .failure(.mismatch("what was read before was not the content: it begins anew")) }
      if offset < available || sha256 != nil { return .success(available) }
      return failure.map { .failure($0) }
    }
  }
  private let state = Mutex(State())

  var available: UInt64 { state.withLock { $0.available } }
  /// Of the whole content.
  var sha256: [UInt8]? { state.withLock { $0.sha256 } }

  func set(available: UInt64, sha256: [UInt8]? = nil) {
    change { state in
      state.available = available
      state.sha256 = sha256
      state.failure = nil
    }
  }

  func fail(_ failure: StageError) {
    change { state in if state.sha256 == nil { state.failure = failure } }
  }

  func wait(past offset: UInt64) async throws(StageError) -> UInt64 {
    if let now = state.withLock({ $0.answer(past: offset) }) { return try now.get() }
    let number = state.withLock { state in
      state.count += 1
      return state.count
    }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now: Result<UInt64, StageError>? = state.withLock { state in
          if Task.isCancelled { return .failure(Self.cancelled) }
          if let now = state.answer(past: offset) { return now }
          state.waiters[number] = Waiter(offset: offset, continuation: continuation)
          return nil
        }
        if let now { continuation.resume(returning: now) }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: number) }?.continuation.resume(returning: .failure(Self.cancelled))
    }
    return try result.get()
  }

  private static let cancelled = StageError.source("cancelled")

  private func change(_ body: (inout sending State) -> Void) {
    let ready = state.withLock { state in
      body(&state)
      var ready: [(Waiter, Result<UInt64, StageError>)] = []
      for (number, waiter) in state.waiters {
        guard let answer = state.answer(past: waiter.offset) else { continue }
        state.waiters[number] = nil
        ready.append((waiter, answer))
      }
      return ready
    }
    for (waiter, answer) in ready { waiter.continuation.resume(returning: answer) }
  }
}
