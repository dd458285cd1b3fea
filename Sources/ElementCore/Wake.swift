import Synchronization

/// Wakes the one loop that waits. Any number of wakes before it looks are one.
final class Wake: Sendable {
  private let reader = Mutex<AsyncStream<Void>.Continuation?>(nil)

  func wake() { reader.withLock { _ = $0?.yield() } }

  /// Wakes from now on; an earlier reader gets no more. Take it before looking at what there is to do.
  func wakes() -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    reader.withLock { reader in
      reader?.finish()
      reader = continuation
    }
    return stream
  }
}

/// Waits for a time, or until `body` returns; the other is cancelled.
func pause(_ time: Duration, by timer: any Clock<Duration>, or body: @escaping @Sendable () async -> Void) async {
  await withTaskGroup(of: Void.self) { group in
    group.addTask { do { try await timer.sleep(for: time) } catch {} }  // cancelled: who waits looks itself
    group.addTask { await body() }
    await group.next()
    group.cancelAll()
  }
}
