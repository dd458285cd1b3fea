import CPNSModel
package import CPNSSession
import Glibc
package import Logging
package import NIOCore
import NIOPosix

/// Serves links.
package struct LinkListener: Sendable {
  private let group: any EventLoopGroup
  private let bounds: LinkBounds
  private let logger: Logger

  package init(group: any EventLoopGroup, bounds: LinkBounds = LinkBounds(), logger: Logger) {
    self.group = group
    self.bounds = bounds
    self.logger = logger
  }

  /// Serves until cancelled.
  /// - Parameters:
  ///   - address: literal; empty: all.
  ///   - port: 0: any.
  ///   - bound: called once with the port.
  ///   - accept: once for each link that proved itself, side by side; the link ends with it.
  /// - Throws: ``LinkError/unreachable(_:)`` when the port can't be had.
  package func serve(
    address: String, port: Int, security: LinkSecurity, bound: @Sendable (Int) async -> Void, accept: @escaping @Sendable (any Link) async -> Void
  ) async throws(LinkError) {
    let census = LinkCensus(bounds)
    let server = try await bind(address, port, security, census)
    await bound(server.channel.localAddress?.port ?? port)
    do {
      try await server.executeThenClose { arrivals in
        try await withThrowingDiscardingTaskGroup { group in
          for try await arrived in arrivals {
            guard let arrived else { continue }
            group.addTask { await self.serve(arrived, accept) }
          }
          group.cancelAll()
        }
      }
    } catch is CancellationError {
      return
    } catch {
      throw .lost("listening on port \(port) ended: \(error)")
    }
  }

  private func bind(_ address: String, _ port: Int, _ security: LinkSecurity, _ census: LinkCensus) async throws(LinkError) -> NIOAsyncChannel<ChannelLink.Preparation?, Never> {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
    // All addresses: IPv6 takes IPv4 too; a kernel without IPv6 has only the other.
    let hosts = address.isEmpty ? ["::", "0.0.0.0"] : [address]
    for (index, host) in hosts.enumerated() {
      do {
        return try await bootstrap.bind(host: host, port: port) { channel in
          channel.eventLoop.makeCompletedFuture { try Self.welcome(channel, security, census) }
        }
      } catch let error as IOError where index + 1 < hosts.count && (error.errnoCode == EAFNOSUPPORT || error.errnoCode == EADDRNOTAVAIL) {
        continue
      } catch {
        throw .unreachable("can't listen on \(address.isEmpty ? "all addresses" : address) port \(port): \((error as? IOError)?.words ?? "\(error)")")
      }
    }
    throw .unreachable("can't listen on port \(port): no address")
  }

  /// - Returns: nil for one too many, which is closed.
  private static func welcome(_ channel: any Channel, _ security: LinkSecurity, _ census: LinkCensus) throws -> ChannelLink.Preparation? {
    guard let id = census.arrive(AddressLiteral.plain(channel.remoteAddress?.ipAddress ?? ""), turnOut: { channel.close(promise: nil) }) else {
      channel.close(promise: nil)
      return nil
    }
    // However it ends, it ends here.
    channel.closeFuture.whenComplete { _ in census.leave(id) }
    return try ChannelLink.prepare(channel, security) { census.greet(id) }
  }

  private func serve(_ arrived: ChannelLink.Preparation, _ accept: @Sendable (any Link) async -> Void) async {
    do {
      let link = try await arrived.link()
      await accept(link)
      await link.close()
    } catch {
      logger.info("link refused", metadata: ["address": "\(arrived.address)", "why": "\(error)"])
    }
  }
}
