import CPNSModel
package import GatewayCore
package import Logging
package import NIOCore
import FoundationEssentials
import Glibc
import MediaProtocol
import NIOPosix

/// Gives Non-CPNS devices one-time URLs, and serves them.
package final class MediaRelay: MediaRelaying {
  private let group: any EventLoopGroup
  private let port: Int
  private let logger: Logger
  private let desk = RelayDesk()
  private let roster = RelayRoster()
  private let bound = BoundPort()

  /// - Parameter port: 0: any.
  package init(group: any EventLoopGroup, port: Int, logger: Logger) {
    self.group = group
    self.port = port
    self.logger = logger
  }

  /// Serves until cancelled. Before it has called `ready`, nothing can be published.
  package func run(ready: @Sendable (_ port: Int) async -> Void) async throws(RelayError) {
    let channel = try await bind()
    bound.set(channel.localAddress?.port)
    await ready(channel.localAddress?.port ?? 0)
    await withDiscardingTaskGroup { group in
      for await publication in desk.toFollow { group.addTask { await publication.follow() } }
      group.cancelAll()
    }
    bound.set(nil)
    do { try await channel.close() } catch {}  // it is closed already
    roster.closeAll()
  }

  private func bind() async throws(RelayError) -> any Channel {
    do {
      return try await ServerBootstrap(group: group)
        .serverChannelOption(.backlog, value: 256)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.autoRead, value: false)
        .childChannelOption(.maxMessagesPerRead, value: 1)
        .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2048))
        .childChannelOption(.allowRemoteHalfClosure, value: false)
        // A head and the first bytes leave together all the same: a flush comes after both.
        .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        // A device that was switched off is noticed after two minutes.
        .childChannelOption(.socketOption(.so_keepalive), value: 1)
        .childChannelInitializer { [self] channel in channel.eventLoop.makeCompletedFuture { try accept(channel) } }
        .bind(host: "0.0.0.0", port: port).get()
    } catch {
      throw .unavailable("can't listen on port \(port): \(error)")
    }
  }

  private func accept(_ channel: any Channel) throws {
    guard let text = channel.remoteAddress?.ipAddress, let client = IPAddress(text), let id = roster.enter(client, channel) else {
      logger.info("relay connection refused", metadata: ["client": "\(channel.remoteAddress?.ipAddress ?? "")", "why": "too many"])
      return channel.close(promise: nil)
    }
    channel.closeFuture.whenComplete { [roster] _ in roster.leave(id) }
    try channel.pipeline.syncOperations.addHandler(RelayConnection(id: id, client: client, desk: desk, roster: roster, logger: logger))
  }

  // MARK: MediaRelaying

  package var events: AsyncStream<RelayEvent> { desk.events }

  package func publish(_ offering: RelayOffering) async throws(RelayError) -> RelayTicket {
    guard let port = bound.port else { throw .unavailable("the relay is not running") }
    guard let client = IPAddress(offering.client) else { throw .unavailable("\"\(offering.client)\" is not an address literal") }
    guard let local = IPAddress(offering.localAddress) else { throw .unavailable("\"\(offering.localAddress)\" is not an address literal") }
    let lifetime = Int64(min(86_400, max(1, offering.lifetimeSeconds)))
    let token = Self.token()
    let publication = Publication(token: token, client: client, offering: offering, deadline: .now() + .seconds(lifetime))
    guard desk.add(publication) else { throw .unavailable("\(RelayDesk.mostPublications) URLs are out already") }
    let description = offering.content.description
    let url = LANURL(host: local, port: port, path: "/m/\(token)/\(MediaName.sanitised(description.name, mediaType: description.mediaType))")
    return RelayTicket(token: token, url: "\(url)")
  }

  package func withdraw(_ ticket: RelayTicket) async { desk.withdraw(ticket.token) }

  private static func token() -> String {
    var random = SystemRandomNumberGenerator()
    return [random.next(), random.next()].map { (word: UInt64) in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
