package import CPNSSession
package import NIOCore
import NIOPosix

/// Makes links to others.
package struct LinkConnector: Sendable {
  /// Longest time to wait for an address and for TCP.
  private static let connectSeconds: Int64 = 10

  private let group: any EventLoopGroup

  package init(group: any EventLoopGroup) { self.group = group }

  /// Connects, proves and checks, lends the link to `body`, and closes it afterwards.
  /// - Parameter server: `host:port`; IPv6 literals in brackets.
  /// - Throws: ``LinkError/unreachable(_:)``, ``LinkError/lost(_:)``, or ``LinkError/untrusted(_:)``, which may come after `body`: in TLS 1.3
  ///   a client learns only with the first answer that its certificate was refused.
  package func withLink(to server: String, security: LinkSecurity, _ body: @Sendable (any Link) async -> Void) async throws(LinkError) {
    guard let (host, port) = Self.split(server) else { throw .unreachable("\"\(server)\" is not HOST:PORT") }
    try await lend(try await connect(host, port, security), body)
  }

  /// A link over a connected stream socket that is ours from now on (a socketpair's end, an RFCOMM socket).
  package func withLink(adopting descriptor: CInt, security: LinkSecurity = .none, _ body: @Sendable (any Link) async -> Void) async throws(LinkError) {
    let prepared: ChannelLink.Preparation
    do {
      prepared = try await NIOPipeBootstrap(group: group).takingOwnershipOfDescriptor(inputOutput: descriptor) { channel in
        channel.eventLoop.makeCompletedFuture { try ChannelLink.prepare(channel, security, isSecure: security.isNone, canCloseHalf: false) }
      }
    } catch {
      throw .lost("descriptor \(descriptor) can't be adopted: \(error)")
    }
    try await lend(prepared, body)
  }

  private func lend(_ prepared: ChannelLink.Preparation, _ body: @Sendable (any Link) async -> Void) async throws(LinkError) {
    let link = try await prepared.link()
    await body(link)
    await link.close()
    if let refusal = link.refusal { throw refusal }
  }

  private func connect(_ host: String, _ port: Int, _ security: LinkSecurity) async throws(LinkError) -> ChannelLink.Preparation {
    let connecting = ClientBootstrap(group: group)
      .connectTimeout(.seconds(Self.connectSeconds))
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Seat(ChannelLink.prepare(channel, security, host: host))) }
      }
      .connect(host: host, port: port)
      .flatMapThrowing { channel in try channel.pipeline.syncOperations.handler(type: Seat.self).prepared }
    do {
      return try await connecting.getUnlessCancelled { $0.channel.close(promise: nil) }
    } catch is CancellationError {
      throw .lost("cancelled")
    } catch {
      throw security.meaning(error) ?? .unreachable(Self.words(error, host, port))
    }
  }

  private static func words(_ error: any Error, _ host: String, _ port: Int) -> String {
    if let failed = error as? NIOConnectionError {
      if failed.connectionErrors.isEmpty, let dns = failed.dnsAError ?? failed.dnsAAAAError { return "\(host) has no address: \(dns)" }
      return "\(host) port \(port): \(failed.connectionErrors.first.map { words($0.error) } ?? "no address answered")"
    }
    return "\(host) port \(port): \(words(error))"
  }

  private static func words(_ error: any Error) -> String {
    switch error {
    case ChannelError.connectTimeout: "no answer within \(connectSeconds) s"
    case let error as IOError: error.words
    default: "\(error)"
    }
  }

  /// - Returns: host without brackets, and port 1 to 65535.
  package static func split(_ server: String) -> (host: String, port: Int)? {
    guard let colon = server.lastIndex(of: ":"), let port = Int(server[server.index(after: colon)...]), (1...65_535).contains(port) else { return nil }
    var host = server[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() } else if host.contains(":") { return nil }
    return host.isEmpty ? nil : (String(host), port)
  }
}

/// Carries what was prepared for a channel from its initialisation to who asked for the connection.
private final class Seat: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  let prepared: ChannelLink.Preparation
  init(_ prepared: ChannelLink.Preparation) { self.prepared = prepared }
}
