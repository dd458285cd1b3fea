import CPNSModel
import Configuration
import ContentFiles
import GatewayCore
import Glibc
import LinkTransport
import Logging
import MediaRelay
import NIOCore
import NIOPosix
import OpenSSLTLS
import SQLiteStore
import ServiceManager
import UPnPSupervisor

/// The gateway with everything that it stands on, wired.
///
/// Ends in this order, each because the next one needs what it uses: what people and devices talk to, the gateway, the store.
struct Daemon: Sendable {
  private let gateway: Gateway
  private let store: SQLiteGatewayStore
  private let relay: MediaRelay
  private let devices: UPnPSupervisor?
  private let desk: ConfigurationDesk
  private let admin: AdminService
  private let metrics: MetricsService?
  private let group: MultiThreadedEventLoopGroup
  private let logger: Logger

  /// Threads that move bytes. One carries some 500 MB/s of content; the second is there for a slow handshake beside it.
  private static let eventLoops = 2

  /// - Parameter path: of the configuration, to be read again when that is asked for.
  static func prepare(_ configuration: GatewayConfiguration, path: String, _ threshold: LogThreshold, _ logger: Logger) async throws(StartFailure) -> Daemon {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: Self.eventLoops)
    let state = configuration.state.directory
    try makeFolder(state)
    let places = CredentialPlaces(CredentialFiles(configuration))
    let time = MachineTime(stateDirectory: state, places: places)
    let clock = time.clock
    let store = try open(state + "/pngw.db", clock)
    let stages = ContentDirectory(
      folder: state + "/content", quota: UInt64(configuration.state.contentQuotaMiB) << 20, logger: logger, makeHasher: { SHA256Stream() })
    do { try await stages.prepare() } catch { throw .unavailable("\(error)") }
    let relay = MediaRelay(group: group, port: configuration.relay.port, logger: logger)
    let devices = configuration.proxy.isEnabled ? UPnPSupervisor(interfaces: configuration.proxy.interfaces, logger: logger) : nil
    let ports = GatewayPorts(
      store: store, stages: stages, relay: relay, fetching: MediaFetcher(group: group), media: devices,
      uplink: Uplink(connector: LinkConnector(group: group), places: places, time: time),
      credentials: Credentials(places: places, installed: time.learn),
      listener: Elements(
        listener: LinkListener(group: group, logger: logger), address: configuration.elements.address, port: configuration.elements.port, clock: clock),
      announcer: configuration.mdns.isEnabled ? Announcer(logger: logger) : nil, secrets: SystemSecrets(),
      machine: ThisMachine(stateDirectory: state, places: places), clock: clock, time: time)
    do throws(StoreError) {
      let gateway = try await Gateway.prepare(settings: GatewaySettings(configuration), ports: ports, logger: logger)
      let desk = ConfigurationDesk(path: path, running: configuration, gateway: gateway, places: places, threshold: threshold, logger: logger)
      let admin = AdminService(
        gateway: gateway, desk: desk, configuration: configuration.admin, audit: AuditFile(directory: state), clock: clock, group: group, logger: logger)
      let metrics = MetricsService(gateway: gateway, configuration: configuration.metrics, group: group, logger: logger)
      return Daemon(
        gateway: gateway, store: store, relay: relay, devices: devices, desk: desk, admin: admin, metrics: metrics, group: group, logger: logger)
    } catch { throw StartFailure(error) }
  }

  private static func open(_ path: String, _ clock: WallClock) throws(StartFailure) -> SQLiteGatewayStore {
    do { return try SQLiteGatewayStore(path: path, clock: clock, durability: durability) } catch { throw StartFailure(error) }
  }

  /// The kill scenario has a control, a store that lies, which its checks must catch. No release build knows it.
  private static var durability: Durability {
    #if DEBUG
      if getenv("PNGW_STORE").map({ String(cString: $0) }) == "unsafe-for-testing" { return .unsafeForTesting }
    #endif
    return .full
  }

  private static func makeFolder(_ path: String) throws(StartFailure) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw .configuration("the state directory \(path): \(String(cString: strerror(errno))); make it, or set state.directory")
    }
  }

  // MARK: Running

  /// Until a signal asks us to end.
  func run() async throws(StartFailure) {
    let began = ContinuousClock.now
    let failure = await withTaskGroup(of: StartFailure?.self) { tasks in
      let readiness = Readiness(parts: 3)
      tasks.addTask { await self.serveMedia(readiness) }
      tasks.addTask { await self.serveElements(readiness) }
      tasks.addTask { await self.serveAdministrators(readiness) }
      if let metrics { tasks.addTask { await metrics.run(); return nil } }
      if let devices { tasks.addTask { await devices.run(); return nil } }
      tasks.addTask {
        await readiness.wait()
        if Task.isCancelled { return nil }
        logger.notice("ready", metadata: ["after": "\((.now - began))", "version": "\(Version.text)"])
        await withDiscardingTaskGroup { group in
          group.addTask { await StatusLine(gateway: self.gateway).run() }
          await ServiceManager().serve { await self.isHealthy }
          group.cancelAll()
        }
        return nil
      }
      tasks.addTask { await Termination.wait(); return nil }
      tasks.addTask {
        await Hangups.each {
          // What is wrong is on the health board and in the log.
          await ServiceManager().reloading { _ = try? await self.desk.reload() }
        }
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

  /// The core's own progress: its inventory answers, and its disk does.
  private var isHealthy: Bool {
    get async {
      _ = await gateway.inventory.network
      do { _ = try await store.outboxDepth() } catch { return false }
      return true
    }
  }

  private func serveMedia(_ readiness: Readiness) async -> StartFailure? {
    do throws(RelayError) { try await relay.run { _ in readiness.done() } } catch { return .unavailable("the media relay: \(error)") }
    return nil
  }

  private func serveElements(_ readiness: Readiness) async -> StartFailure? {
    do { try await gateway.run { readiness.done() } } catch { return .unavailable("the port of PNEs: \(error)") }
    return nil
  }

  private func serveAdministrators(_ readiness: Readiness) async -> StartFailure? {
    do { try await admin.run { readiness.done() } } catch { return .unavailable("the admin socket: \(error)") }
    return nil
  }
}

extension StartFailure {
  init(_ error: StoreError) {
    self =
      switch error {
      case .unavailable(let text): .unavailable(text)
      case .damaged(let text): .configuration(text)
      case .newer(let found, let known):
        .configuration("the database was written by a newer version (schema \(found), this one knows \(known)); install that version again, or restore a backup")
      }
  }
}
