import Synchronization

/// One writer, any number of readers, each with its own bounded buffer: a slow reader loses the oldest, nobody waits.
package final class Broadcast<Element: Sendable>: Sendable {
  private struct Readers {
    var next = 0
    var continuations: [Int: AsyncStream<Element>.Continuation] = [:]
  }
  private let readers = Mutex(Readers())
  private let capacity: Int

  /// - Parameter capacity: elements kept for a reader that does not read, 1 or more.
  package init(capacity: Int) { self.capacity = max(1, capacity) }

  package func send(_ element: Element) {
    readers.withLock { for continuation in $0.continuations.values { continuation.yield(element) } }
  }

  /// Everything that is sent from now on, until the reader's task is cancelled or it drops the stream.
  package func subscribe() -> AsyncStream<Element> {
    let (stream, continuation) = AsyncStream<Element>.makeStream(bufferingPolicy: .bufferingNewest(capacity))
    let id = readers.withLock { readers in
      readers.next += 1
      readers.continuations[readers.next] = continuation
      return readers.next
    }
    continuation.onTermination = { [weak self] _ in
      _ = self?.readers.withLock { $0.continuations.removeValue(forKey: id) }
    }
    return stream
  }

  package var count: Int { readers.withLock { $0.continuations.count } }
}
