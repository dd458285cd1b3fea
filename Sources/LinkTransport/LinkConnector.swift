package import CPNSSession
package import NIOCore
import NIOPosix

/// Makes links to others.
package struct LinkConnector: Sendable {
  /// Longest time to wait for TCP.
  private static let connectSeconds: Int64 = 10

  private let group: any EventLoopGroup

  package init(group: any EventLoopGroup) { self.group = group }

  /// Connects, proves and checks, lends the link to `body`, and closes it afterwards.
  /// - Parameter server: `host:port`; IPv6 literals in brackets.
  package func withLink(to server: String, security: LinkSecurity, _ body: @Sendable (any Link) async -> Void) async throws(LinkError) {
    guard let (host, port) = Self.split(server) else { throw .unreachable("\"\(server)\" is not HOST:PORT") }
    let prepared = try await connect(host, port, security)
    let link: ChannelLink
    do { link = try await prepared.link() } catch {
      do { try await prepared.channel.close() } catch {}  // it may have closed itself
      throw error
    }
    await body(link)
    await link.close()
  }

  /// A link over a connected stream socket that is ours from now on (a socketpair's end, an RFCOMM socket).
  package func withLink(adopting descriptor: CInt, security: LinkSecurity = .none, _ body: @Sendable (any Link) async -> Void) async throws(LinkError) {
    let prepared: ChannelLink.Preparation
    do {
      prepared = try await NIOPipeBootstrap(group: group).takingOwnershipOfDescriptor(inputOutput: descriptor) { channel in
        channel.eventLoop.makeCompletedFuture { try ChannelLink.prepare(channel, security, host: nil, isSecure: true) }
      }
    } catch {
      throw .lost("\(error)")
    }
    let link = try await prepared.link()
    await body(link)
    await link.close()
  }

  private func connect(_ host: String, _ port: Int, _ security: LinkSecurity) async throws(LinkError) -> ChannelLink.Preparation {
    do {
      return try await ClientBootstrap(group: group)
        .connectTimeout(.seconds(Self.connectSeconds))
        .channelOption(.socketOption(.tcp_nodelay), value: 1)
        .connect(host: host, port: port) { channel in
          channel.eventLoop.makeCompletedFuture { try ChannelLink.prepare(channel, security, host: host, isSecure: false) }
        }
    } catch {
      throw security.meaning(error) ?? .unreachable(Self.words(error, host, port))
    }
  }

  private static func words(_ error: any Error, _ host: String, _ port: Int) -> String {
    if let failed = error as? NIOConnectionError {
      if let dns = failed.dnsAError ?? failed.dnsAAAAError { return "\(host) has no address: \(dns)" }
      return "\(host) port \(port): \(failed.connectionErrors.first.map { "\($0.error)" } ?? "no address answered")"
    }
    return "\(host) port \(port): \(error)"
  }

  /// - Returns: host without brackets, and port 1 to 65535.
  package static func split(_ server: String) -> (host: String, port: Int)? {
    guard let colon = server.lastIndex(of: ":"), let port = Int(server[server.index(after: colon)...]), (1...65_535).contains(port) else { return nil }
    var host = server[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() } else if host.contains(":") { return nil }
    return host.isEmpty ? nil : (String(host), port)
  }
}
