import Glibc
import NIOCore
import Synchronization

extension EventLoopFuture where Value: Sendable {
  /// Waits, but no longer than the task lives; a value that comes later is given to `abandon`.
  func getUnlessCancelled(_ abandon: @escaping @Sendable (Value) -> Void) async throws -> Value {
    let first = eventLoop.makePromise(of: Value.self)
    let turn = Turn()
    whenComplete { result in
      if turn.take() { return first.completeWith(result) }
      if case .success(let value) = result { abandon(value) }
    }
    return try await withTaskCancellationHandler {
      try await first.futureResult.get()
    } onCancel: {
      if turn.take() { first.fail(CancellationError()) }
    }
  }
}

/// Goes to whoever comes first.
private final class Turn: Sendable {
  private let isTaken = Atomic<Bool>(false)
  func take() -> Bool { !isTaken.exchange(true, ordering: .relaxed) }
}

extension IOError {
  /// What the system says, without NIO's own names.
  var words: String { String(cString: strerror(errnoCode)) }
}
