package import Logging
package import NIOCore
import Glibc
import NIOPosix

/// Where a server listens.
package enum HTTPBinding: Sendable, Equatable {
  /// The file is made with this mode (permission is by peer credentials); one that nobody listens on any more is replaced.
  case unix(path: String, mode: UInt32 = 0o666)
  /// A unix socket that listens already; its file is somebody else's. It is closed with the server.
  case adopted(descriptor: CInt)
  /// Address literal; empty: all. Port 0: any.
  case tcp(address: String, port: Int)
}

/// A small HTTP/1.1 server for few clients: the admin socket and CPNS-4.
package struct HTTPServer: Sendable {
  private let group: any EventLoopGroup
  private let binding: HTTPBinding
  private let limits: HTTPLimits
  private let secure: @Sendable (any Channel) throws -> Void
  private let logger: Logger

  /// - Parameter secure: adds TLS handlers to a new connection, on its event loop; nothing for plain.
  package init(
    group: any EventLoopGroup, binding: HTTPBinding, limits: HTTPLimits = HTTPLimits(), logger: Logger,
    secure: @escaping @Sendable (any Channel) throws -> Void = { _ in }
  ) {
    self.group = group
    self.binding = binding
    self.limits = limits
    self.logger = logger
    self.secure = secure
  }

  /// Serves until cancelled.
  /// - Parameters:
  ///   - bound: called once, with the port (0 for a unix socket).
  ///   - handler: runs once for each request, side by side for different connections. What it throws becomes the answer:
  ///     an ``HTTPFailure`` as it is, anything else 500.
  package func run(
    bound: @Sendable (_ port: Int) async -> Void, handler: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
  ) async throws(HTTPBindError) {
    guard case .unix(let path, let mode) = binding else { return try await serve(try await listen(), bound, handler) }
    let file = SocketFile(path: path, mode: mode_t(mode))
    try file.clear()
    let listening = try await listen()
    let identity = try file.open()
    defer { file.remove(identity) }
    try await serve(listening, bound, handler)
  }

  private func serve(
    _ listening: Listening, _ bound: @Sendable (Int) async -> Void, _ handler: @escaping @Sendable (HTTPRequest) async throws -> HTTPResponse
  ) async throws(HTTPBindError) {
    await bound(listening.server.channel.localAddress?.port ?? 0)
    do {
      try await listening.server.executeThenClose { arrivals in
        try await withThrowingDiscardingTaskGroup { tasks in
          for try await arrival in arrivals {
            guard let arrival else { continue }
            tasks.addTask { await self.serve(arrival, listening.census, handler) }
          }
          tasks.cancelAll()
        }
      }
    } catch is CancellationError {
      return
    } catch {
      throw HTTPBindError("listening ended: \(error)")
    }
  }

  private func serve(_ arrival: Arrival, _ census: ConnectionCensus, _ handler: @Sendable (HTTPRequest) async throws -> HTTPResponse) async {
    do {
      let channel = try await arrival.welcome()
      await HTTPConnection(channel: channel, peer: arrival.peer, limits: limits, logger: logger).serve(handler)
    } catch {
      logger.debug("http connection ended", metadata: ["error": "\(error)"])
    }
    census.leave(arrival.id)
  }

  // MARK: Listening

  private struct Listening: Sendable {
    let server: NIOAsyncChannel<Arrival?, Never>
    let census: ConnectionCensus
  }

  private func listen() async throws(HTTPBindError) -> Listening {
    let census = ConnectionCensus(limit: limits.connections)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 128)
      // What was read ahead of a slow handler is at most this many pieces.
      .childChannelOption(.maxMessagesPerRead, value: 1)
      // Nothing is read before somebody serves it.
      .childChannelOption(.autoRead, value: false)
    do {
      switch binding {
      case .tcp(let address, let port):
        let server = try await bootstrap.serverChannelOption(.socketOption(.so_reuseaddr), value: 1).childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
          .bind(host: address.isEmpty ? "0.0.0.0" : address, port: port) { prepare($0, census) }
        return Listening(server: server, census: census)
      case .adopted(let descriptor):
        return Listening(server: try await bootstrap.bind(descriptor) { prepare($0, census) }, census: census)
      case .unix(let path, _):
        return Listening(server: try await bootstrap.bind(unixDomainSocketPath: path) { prepare($0, census) }, census: census)
      }
    } catch {
      throw HTTPBindError("can't listen on \(place): \(error)")
    }
  }

  private var place: String {
    switch binding {
    case .tcp(let address, let port): "\(address.isEmpty ? "all addresses" : address) port \(port)"
    case .unix(let path, _): path
    case .adopted(let descriptor): "the socket that was passed as descriptor \(descriptor)"
    }
  }

  private func prepare(_ channel: any Channel, _ census: ConnectionCensus) -> EventLoopFuture<Arrival?> {
    channel.eventLoop.makeCompletedFuture {
      guard let peer = try peer(of: channel), let id = census.enter(channel) else {
        logger.debug("http connection refused: all places are taken")
        channel.close(promise: nil)
        return nil
      }
      channel.closeFuture.whenComplete { _ in census.leave(id) }
      try secure(channel)
      try HTTPConnection.prepare(channel, limits) { census.setWaiting(id, $0) }
      return Arrival(channel: channel, peer: peer, id: id)
    }
  }

  private func peer(of channel: any Channel) throws -> HTTPPeer? {
    if case .tcp = binding { return .remote(channel.remoteAddress?.ipAddress ?? "") }
    return try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { PeerCredentials.of($0) } ?? nil
  }
}

/// Why a server can't listen, in words for a person.
package struct HTTPBindError: Error, Equatable, CustomStringConvertible, Sendable {
  package let description: String

  init(_ description: String) { self.description = description }
}
