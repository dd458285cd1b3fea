package import CPNSSession
package import Logging
package import NIOCore
import NIOPosix
import Synchronization

/// Serves links.
package struct LinkListener: Sendable {
  /// Links in all: each idle one costs about 20 kB.
  package static let maximumLinks = 2_048
  /// Links of one address: a stranger that opens many must not take everybody's.
  package static let maximumLinksPerAddress = 256

  private let group: any EventLoopGroup
  private let logger: Logger

  package init(group: any EventLoopGroup, logger: Logger) {
    self.group = group
    self.logger = logger
  }

  /// Serves until cancelled.
  /// - Parameters:
  ///   - address: literal; empty: all.
  ///   - port: 0: any.
  ///   - bound: called once with the port.
  ///   - accept: once for each link that proved itself, side by side; the link ends with it.
  package func serve(
    address: String, port: Int, security: LinkSecurity, bound: @Sendable (Int) async -> Void, accept: @escaping @Sendable (any Link) async -> Void
  ) async throws(LinkError) {
    let census = Census()
    let server = try await bind(address, port, security, census)
    await bound(server.channel.localAddress?.port ?? port)
    do {
      try await server.executeThenClose { arrivals in
        try await withThrowingDiscardingTaskGroup { group in
          for try await prepared in arrivals {
            guard let prepared else { continue }
            group.addTask { await self.serve(prepared, census, accept) }
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

  private func bind(_ address: String, _ port: Int, _ security: LinkSecurity, _ census: Census) async throws(LinkError) -> NIOAsyncChannel<ChannelLink.Preparation?, Never> {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 256)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
    var last: any Error = LinkError.unreachable("no address")
    // All addresses: IPv6 takes IPv4 too; a kernel without IPv6 has only the other.
    for host in address.isEmpty ? ["::", "0.0.0.0"] : [address] {
      do {
        return try await bootstrap.bind(host: host, port: port) { channel in
          channel.eventLoop.makeCompletedFuture {
            guard census.admit(channel.remoteAddress?.ipAddress ?? "") else {
              channel.close(promise: nil)
              return nil
            }
            return try ChannelLink.prepare(channel, security, host: nil, isSecure: false)
          }
        }
      } catch {
        last = error
      }
    }
    throw .unreachable("can't listen on \(address.isEmpty ? "all addresses" : address) port \(port): \(last)")
  }

  private func serve(_ prepared: ChannelLink.Preparation, _ census: Census, _ accept: @Sendable (any Link) async -> Void) async {
    defer { census.leave(prepared.source) }
    do {
      let link = try await prepared.link()
      await accept(link)
      await link.close()
    } catch {
      logger.info("link refused", metadata: ["address": "\(prepared.address)", "why": "\(error)"])
      do { try await prepared.channel.close() } catch {}  // it may have closed itself
    }
  }
}

/// How many links there are, in all and by address.
private final class Census: Sendable {
  private let counts = Mutex<[String: Int]>([:])

  func admit(_ address: String) -> Bool {
    counts.withLock { counts in
      guard counts[address, default: 0] < LinkListener.maximumLinksPerAddress, counts.values.reduce(0, +) < LinkListener.maximumLinks else { return false }
      counts[address, default: 0] += 1
      return true
    }
  }

  func leave(_ address: String) {
    counts.withLock { counts in
      counts[address, default: 1] -= 1
      if counts[address] == 0 { counts[address] = nil }
    }
  }
}
