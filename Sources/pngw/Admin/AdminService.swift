import AdminProtocol
import CPNSModel
import Configuration
import FoundationEssentials
import GatewayCore
import Glibc
import HTTPServing
import Logging
import NIOCore
import ServiceManager

/// The admin socket: HTTP and JSON for `pngwctl` and for scripts. Anybody may connect; who may do what is decided for each
/// request, by the user and the groups of the process that asks.
struct AdminService: Sendable {
  private let administration: Administration
  private let desk: ConfigurationDesk
  private let server: HTTPServer
  private let access: AdminAccess
  private let watchers = Places(Places.watchers)
  private let audit: AuditFile
  private let clock: WallClock
  private let logger: Logger

  /// Asks the system for the groups, once: one that is made later counts after a restart.
  init(
    gateway: Gateway, desk: ConfigurationDesk, configuration: GatewayConfiguration.Admin, audit: AuditFile, clock: WallClock,
    group: any EventLoopGroup, logger: Logger
  ) {
    administration = Administration(gateway: gateway)
    self.desk = desk
    self.audit = audit
    self.clock = clock
    server = HTTPServer(group: group, binding: Self.binding(configuration, logger), logger: logger)
    access = AdminAccess(
      ownUser: geteuid(), viewers: SystemGroup.named(configuration.viewerGroup), operators: SystemGroup.named(configuration.operatorGroup))
    self.logger = logger
  }

  /// The socket that the service manager holds for us, or one that we make.
  private static func binding(_ configuration: GatewayConfiguration.Admin, _ logger: Logger) -> HTTPBinding {
    guard let passed = PassedSockets.take(named: "admin") else { return .unix(path: configuration.socket, mode: 0o666) }
    logger.info("admin socket was passed by the service manager")
    return .adopted(descriptor: passed)
  }

  /// The whole life: until cancelled.
  /// - Parameter bound: called once, when the socket can be connected to.
  func run(bound: @Sendable () async -> Void) async throws(HTTPBindError) {
    try await server.run(bound: { _ in await bound() }, handler: { try await self.answer($0) })
  }

  private func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
    do {
      let route = try AdminRoute(method: request.method, path: request.path)
      let asker = try admit(request.peer, to: route.operation)
      let desk = AdminDesk(administration: administration, configuration: desk, watchers: watchers, audit: audit, request: request, id: route.id)
      if route.operation.rule.method == "GET" { return try await desk.look(route.operation) }
      return try await change(route, by: asker, at: desk)
    } catch let failure as AdminFailure {
      let allow = failure.code == .wrongMethod ? [("Allow", AdminRoute.methods(at: request.path).joined(separator: ", "))] : []
      return .json(failure.code.status, ErrorReply(failure), headers: allow)
    }
  }

  private struct Asker: Sendable {
    let user: UInt32
    let process: Int32
  }

  private func admit(_ peer: HTTPPeer, to operation: AdminOperation) throws(AdminFailure) -> Asker {
    guard case .local(let user, let group, let groups, let process) = peer else {
      throw AdminFailure(.forbidden, "who asks is not known", remedy: "connect over the unix socket")
    }
    try access.check(operation, user: user, groups: groups + [group])
    return Asker(user: user, process: process)
  }

  /// What changes something is kept with who did it, also when it did not come about. Who may not do it is told in the log only, so that
  /// nobody can push what others did out of the audit log.
  private func change(_ route: AdminRoute, by asker: Asker, at desk: AdminDesk) async throws -> HTTPResponse {
    do {
      let deed = try await desk.change(route.operation)
      await keep(route, asker, subject: deed.subject, outcome: "done")
      return deed.response
    } catch {
      let outcome = (error as? AdminFailure)?.code.rawValue ?? (error as? HTTPFailure)?.code ?? "failed"
      await keep(route, asker, subject: route.id, outcome: outcome)
      throw error
    }
  }

  private func keep(_ route: AdminRoute, _ asker: Asker, subject: String, outcome: String) async {
    let operation = route.operation.rawValue
    let entry = AuditEntry(
      at: UTCTime(clock.now()), operation: operation, subject: String(subject.prefix(200)), user: asker.user, process: asker.process, outcome: outcome)
    logger.notice("administrator", metadata: ["operation": "\(operation)", "user": "\(asker.user)", "process": "\(asker.process)", "outcome": "\(outcome)"])
    if let why = await audit.append(entry) { logger.error("audit log not written", metadata: ["why": "\(why)"]) }
  }
}

/// A group of this machine.
enum SystemGroup {
  /// Members of the largest directories fill some 100 kB.
  private static let mostBytes = 1 << 20

  static func named(_ name: String) -> AdminAccess.Group { AdminAccess.Group(name: name, id: name.isEmpty ? nil : id(of: name)) }

  private static func id(of name: String) -> UInt32? {
    var size = 4096
    while size <= mostBytes {
      var entry = group()
      var found: UnsafeMutablePointer<group>?
      var buffer = [CChar](repeating: 0, count: size)
      let result = getgrnam_r(name, &entry, &buffer, size, &found)
      guard result == ERANGE else { return result == 0 && found != nil ? entry.gr_gid : nil }
      size *= 4
    }
    return nil
  }
}
