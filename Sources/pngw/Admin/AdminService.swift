import AdminProtocol
import Configuration
import FoundationEssentials
import GatewayCore
import Glibc
import HTTPServing
import Logging
import NIOCore

/// The admin socket: HTTP and JSON for `pngwctl` and for scripts. Anybody may connect; who may do what is decided for each
/// request, by the user and the groups of the process that asks.
struct AdminService: Sendable {
  private let administration: Administration
  private let server: HTTPServer
  private let access: AdminAccess
  private let watchers = Places(Places.watchers)
  private let logger: Logger

  /// Asks the system for the groups, once: one that is made later counts after a restart.
  init(gateway: Gateway, configuration: GatewayConfiguration.Admin, group: any EventLoopGroup, logger: Logger) {
    administration = Administration(gateway: gateway)
    server = HTTPServer(group: group, binding: .unix(path: configuration.socket, mode: 0o666), logger: logger)
    access = AdminAccess(
      ownUser: geteuid(), viewers: SystemGroup.named(configuration.viewerGroup), operators: SystemGroup.named(configuration.operatorGroup))
    self.logger = logger
  }

  /// The whole life: until cancelled.
  /// - Parameter bound: called once, when the socket can be connected to.
  func run(bound: @Sendable () async -> Void) async throws(HTTPBindError) {
    try await server.run(bound: { _ in await bound() }, handler: { try await self.answer($0) })
  }

  private func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
    do {
      let route = try AdminRoute(method: request.method, path: request.path)
      try admit(request.peer, to: route.operation)
      return try await AdminDesk(administration: administration, watchers: watchers, request: request, id: route.id).perform(route.operation)
    } catch let failure as AdminFailure {
      let allow = failure.code == .wrongMethod ? [("Allow", AdminRoute.methods(at: request.path).joined(separator: ", "))] : []
      return .json(failure.code.status, ErrorReply(failure), headers: allow)
    }
  }

  /// What changes something is logged with who did it.
  private func admit(_ peer: HTTPPeer, to operation: AdminOperation) throws(AdminFailure) {
    guard case .local(let user, let group, let groups, let process) = peer else {
      throw AdminFailure(.forbidden, "who asks is not known", remedy: "connect over the unix socket")
    }
    try access.check(operation, user: user, groups: groups + [group])
    guard operation.rule.method != "GET" else { return }
    logger.notice("administrator", metadata: ["operation": "\(operation.rawValue)", "user": "\(user)", "process": "\(process)"])
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
