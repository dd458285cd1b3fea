import CPNSModel
import CPNSSession
import Configuration
import Glibc
import LinkTransport
import Logging
import NIOCore
import NIOPosix
import OpenSSLTLS
import SQLiteStore
import ServerCore
import ServiceManager

/// The server with everything that it stands on, wired.
///
/// Ends in this order, each because the next one needs what it uses: the API and the links, the store, the event loops.
struct Daemon: Sendable {
  private let server: Server
  private let store: SQLiteServerStore
  private let api: API
  private let group: MultiThreadedEventLoopGroup
  private let logger: Logger

  /// Threads that move bytes. One carries some 500 MB/s of content; the second is there for a slow handshake beside it.
  private static let eventLoops = 2

  static func prepare(_ configuration: ServerConfiguration, _ logger: Logger) async throws(StartFailure) -> Daemon {
    let state = StateFolder(configuration.state.directory)
    try state.make()
    let authority = try state.authority(configuration, clock: .system)
    let token = try state.token()
    let store: SQLiteServerStore
    do throws(ServerStoreError) { store = try SQLiteServerStore(path: state.database, durability: durability) } catch { throw StartFailure(error) }
    let contents = ContentFolder(path: state.contents, quota: UInt64(configuration.state.contentQuotaMiB) << 20, logger: logger)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: eventLoops)
    let links: TLSContext, https: TLSContext
    do throws(TLSError) {
      links = try TLSContext.server(certificate: state.certificateFile, key: state.keyFile, clientAnchor: state.anchorFile, alpn: .cpns)
      https = try TLSContext.server(certificate: state.certificateFile, key: state.keyFile, clientAnchor: nil, alpn: .http)
    } catch { throw .configuration(error.description) }
    let gateways = Gateways(
      listener: LinkListener(group: group, logger: logger), address: configuration.uplink.address, port: configuration.uplink.port, context: links,
      clock: .system)
    let ports = ServerPorts(
      store: store, contents: contents, authority: authority, listener: gateways, secrets: SystemSecrets(), clock: .system)
    let settings = ServerSettings(name: configuration.name, software: "cpnsd \(Version.text)")
    do throws(ServerFailure) {
      let server = try await Server.prepare(settings: settings, ports: ports, logger: logger)
      let api = API(server: server, configuration: configuration.api, context: https, token: token, group: group, logger: logger)
      return Daemon(server: server, store: store, api: api, group: group, logger: logger)
    } catch { throw StartFailure(error) }
  }

  /// The kill scenario has a control, a store that lies, which its checks must catch. No release build knows it.
  private static var durability: Durability {
    #if DEBUG
      if getenv("CPNSD_STORE").map({ String(cString: $0) }) == "unsafe-for-testing" { return .unsafeForTesting }
    #endif
    return .full
  }

  // MARK: Running

  /// Until a signal asks us to end.
  func run() async throws(StartFailure) {
    let began = ContinuousClock.now
    let failure = await withTaskGroup(of: StartFailure?.self) { tasks in
      let readiness = Readiness(parts: 2)
      tasks.addTask { await self.serveGateways(readiness) }
      tasks.addTask { await self.serveApplications(readiness) }
      tasks.addTask {
        await readiness.wait()
        if Task.isCancelled { return nil }
        logger.notice("ready", metadata: ["server": "\(server.id)", "after": "\((.now - began))", "version": "\(Version.text)"])
        await ServiceManager().serve { await self.server.isHealthy }
        return nil
      }
      tasks.addTask {
        await Termination.wait()
        return nil
      }
      // Whatever ends first, ends everything: none of these ends by itself while all is well.
      let first = await tasks.next() ?? nil
      tasks.cancelAll()
      await tasks.waitForAll()
      return first
    }
    await store.close()
    do { try await group.shutdownGracefully() } catch { logger.warning("event loops did not end", metadata: ["error": "\(error)"]) }
    logger.notice("ended")
    if let failure { throw failure }
  }

  private func serveGateways(_ readiness: Readiness) async -> StartFailure? {
    do {
      try await server.run { port in
        logger.notice("gateways may connect", metadata: ["port": "\(port)"])
        readiness.done()
      }
    } catch { return .unavailable("the port of gateways: \(error.words)") }
    return nil
  }

  private func serveApplications(_ readiness: Readiness) async -> StartFailure? {
    do {
      try await api.run { port in
        logger.notice("applications may connect", metadata: ["port": "\(port)"])
        readiness.done()
      }
    } catch { return .unavailable("the API: \(error)") }
    return nil
  }
}
