import Synchronization

/// Waits until each of several parts has said that it is ready.
final class Readiness: Sendable {
  private let missing: Mutex<Int>
  private let all: AsyncStream<Never>
  private let end: AsyncStream<Never>.Continuation

  init(parts: Int) {
    missing = Mutex(parts)
    (all, end) = AsyncStream.makeStream()
  }

  func done() {
    let isLast = missing.withLock { missing in
      missing -= 1
      return missing == 0
    }
    if isLast { end.finish() }
  }

  /// Returns when all are ready, or when the task is cancelled.
  func wait() async { for await _ in all {} }
}
