import MediaProtocol
import NIOCore
import Synchronization

/// The connections there are, in all and of each client.
///
/// When a bound is reached, the connection that has been waiting longest for its client's request makes room: who opens
/// hundreds and says nothing stops nobody.
final class RelayRoster: Sendable {
  /// In all: 32 devices with eight each.
  static let mostConnections = 256
  /// Of one client: players that seek open three or four.
  static let mostOfOneClient = 16

  private struct Entry {
    var client: IPAddress
    var channel: any Channel
    /// As a count; nil while it is served.
    var waitingSince: UInt64?
  }
  private struct State {
    var entries: [RelayID: Entry] = [:]
    var count: UInt64 = 0

    mutating func next() -> UInt64 {
      count += 1
      return count
    }
    /// - Returns: nil when all of them are served.
    func longestWaiting(of client: IPAddress?) -> RelayID? {
      entries.filter { $0.value.waitingSince != nil && (client == nil || $0.value.client == client) }
        .min { ($0.value.waitingSince ?? 0) < ($1.value.waitingSince ?? 0) }?.key
    }
  }
  private let state = Mutex(State())

  /// - Returns: nil when there is no place.
  func enter(_ client: IPAddress, _ channel: any Channel) -> RelayID? {
    let (id, evicted) = state.withLock { state -> (RelayID?, (any Channel)?) in
      let isClientFull = state.entries.values.count { $0.client == client } >= Self.mostOfOneClient
      var evicted: (any Channel)?
      if isClientFull || state.entries.count >= Self.mostConnections {
        guard let oldest = state.longestWaiting(of: isClientFull ? client : nil) else { return (nil, nil) }
        evicted = state.entries.removeValue(forKey: oldest)?.channel
      }
      let number = state.next()
      state.entries[RelayID(number: number)] = Entry(client: client, channel: channel, waitingSince: number)
      return (RelayID(number: number), evicted)
    }
    evicted?.close(promise: nil)
    return id
  }

  func leave(_ id: RelayID) { state.withLock { $0.entries[id] = nil } }

  func closeAll() { for entry in state.withLock({ $0.entries }).values { entry.channel.close(promise: nil) } }

  func setWaiting(_ id: RelayID, _ isWaiting: Bool) {
    state.withLock { state in
      let now = state.next()
      state.entries[id]?.waitingSince = isWaiting ? now : nil
    }
  }
}
