import NIOCore
import Synchronization

/// A connection that was accepted and that nobody serves yet. It is closed when nobody ever does.
///
/// Its asynchronous channel is made by whoever serves it and not before: one that waits for its turn when the server ends would be
/// dropped without being finished, which NIO takes for a fault of ours and ends the process.
final class Arrival: Sendable {
  let peer: HTTPPeer
  let id: ConnectionCensus.ID
  private let channel: any Channel
  private let isServed = Atomic(false)

  init(channel: any Channel, peer: HTTPPeer, id: ConnectionCensus.ID) {
    self.channel = channel
    self.peer = peer
    self.id = id
  }

  deinit { if !isServed.load(ordering: .relaxed) { channel.close(promise: nil) } }

  /// From now on it is read. The caller runs the channel to its end.
  func welcome() async throws -> HTTPConnection.Channel {
    isServed.store(true, ordering: .relaxed)
    return try await channel.eventLoop.submit { [channel] in
      let wrapped = try HTTPConnection.Channel(wrappingChannelSynchronously: channel)
      channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
      return wrapped
    }.get()
  }
}
