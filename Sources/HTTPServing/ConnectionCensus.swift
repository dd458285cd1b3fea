import NIOCore
import Synchronization

/// The connections there are, and which of them only wait.
///
/// When all places are taken, the connection that has been waiting longest for its client makes room: a thousand
/// strangers who say nothing cost the next client nothing.
final class ConnectionCensus: Sendable {
  typealias ID = UInt64

  private struct Entry {
    var channel: any Channel
    /// When it began to wait for its client, as a count; nil while we work for it.
    var waitingSince: UInt64?
  }
  private struct State {
    var entries: [ID: Entry] = [:]
    var count: UInt64 = 0
  }
  private let state = Mutex(State())
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  /// - Returns: nil when all places are taken by clients that we work for.
  func enter(_ channel: any Channel) -> ID? {
    let (id, evicted) = state.withLock { state -> (ID?, (any Channel)?) in
      var evicted: (any Channel)?
      if state.entries.count >= limit {
        guard let oldest = state.entries.filter({ $0.value.waitingSince != nil }).min(by: { ($0.value.waitingSince ?? 0) < ($1.value.waitingSince ?? 0) })
        else { return (nil, nil) }
        evicted = state.entries.removeValue(forKey: oldest.key)?.channel
      }
      state.count += 1
      state.entries[state.count] = Entry(channel: channel, waitingSince: state.count)
      return (state.count, evicted)
    }
    evicted?.close(promise: nil)
    return id
  }

  func leave(_ id: ID) { state.withLock { _ = $0.entries.removeValue(forKey: id) } }

  func setWaiting(_ id: ID, _ isWaiting: Bool) {
    state.withLock { state in
      state.count += 1
      state.entries[id]?.waitingSince = isWaiting ? state.count : nil
    }
  }
}
