/// The version of the admin API: the first segment of every path. It changes only when a field or a path changes its meaning;
/// new ones may come at any time.
package enum AdminAPI {
  package static let version = 1
}

/// Everything that can be asked for on the admin socket. ``rule`` is the one table of where, and who may.
package enum AdminOperation: String, Sendable, Hashable, CaseIterable {
  case showVersion, showStatus
  case listPNEs, showPNE, removePNE, browse
  case showPairing, openPairing, cancelPairing
  case enrol
  case stageContent, listDeliveries, showDelivery, deliver
  case watch
  case showConfiguration, reloadConfiguration
  case explainPNE, explainDelivery, listEvents, listAudit, readMetrics, readAPI

  package struct Rule: Sendable, Hashable {
    package let method: String
    /// `{id}` stands for one segment.
    package let path: String
    package let permission: AdminPermission

    fileprivate init(_ method: String, _ path: String, _ permission: AdminPermission) {
      self.method = method
      self.path = path
      self.permission = permission
    }

    var segments: [Substring] { path.split(separator: "/") }
  }

  package var rule: Rule {
    switch self {
    case .showVersion: Rule("GET", "/v1/version", .viewer)
    case .showStatus: Rule("GET", "/v1/status", .viewer)
    case .listPNEs: Rule("GET", "/v1/pnes", .viewer)
    case .showPNE: Rule("GET", "/v1/pnes/{id}", .viewer)
    case .removePNE: Rule("DELETE", "/v1/pnes/{id}", .admin)
    case .browse: Rule("GET", "/v1/pnes/{id}/objects", .viewer)
    case .showPairing: Rule("GET", "/v1/pairing", .viewer)
    case .openPairing: Rule("POST", "/v1/pairing", .operator)
    case .cancelPairing: Rule("DELETE", "/v1/pairing", .operator)
    case .enrol: Rule("POST", "/v1/enrolment", .admin)
    case .stageContent: Rule("POST", "/v1/contents", .operator)
    case .listDeliveries: Rule("GET", "/v1/deliveries", .viewer)
    case .showDelivery: Rule("GET", "/v1/deliveries/{id}", .viewer)
    case .deliver: Rule("POST", "/v1/deliveries", .operator)
    case .watch: Rule("GET", "/v1/events", .viewer)
    case .explainPNE: Rule("GET", "/v1/pnes/{id}/explanation", .viewer)
    case .explainDelivery: Rule("GET", "/v1/deliveries/{id}/explanation", .viewer)
    case .listEvents: Rule("GET", "/v1/events/past", .viewer)
    case .listAudit: Rule("GET", "/v1/audit", .viewer)
    case .readMetrics: Rule("GET", "/v1/metrics", .viewer)
    case .readAPI: Rule("GET", "/v1/openapi.json", .viewer)
    case .showConfiguration: Rule("GET", "/v1/configuration", .viewer)
    case .reloadConfiguration: Rule("POST", "/v1/configuration/reload", .admin)
    }
  }
}

/// One request's place in the table.
package struct AdminRoute: Sendable, Hashable {
  package let operation: AdminOperation
  /// What stands where the path has `{id}`; empty when it has none.
  package let id: String

  /// - Parameter path: decoded segments.
  /// - Throws: ``AdminFailure`` `not-found` with what there is, or `wrong-method` with what is done there.
  package init(method: String, path: [String]) throws(AdminFailure) {
    let here = AdminOperation.allCases.filter { Self.matches($0.rule, path) }
    if let operation = here.first(where: { $0.rule.method == method }) {
      self.operation = operation
      id = zip(operation.rule.segments, path).first { $0.0 == "{id}" }?.1 ?? ""
      return
    }
    guard here.isEmpty else {
      let methods = here.map(\.rule.method).joined(separator: ", ")
      throw AdminFailure(.wrongMethod, "\(method.prefix(16)) is not done here", remedy: "use \(methods)")
    }
    var paths: [String] = []
    for rule in AdminOperation.allCases.map(\.rule) where !paths.contains(rule.path) { paths.append(rule.path) }
    throw AdminFailure(.notFound, "there is no /\(String(path.joined(separator: "/").prefix(80)))", remedy: "there is " + paths.joined(separator: ", "))
  }

  /// What is done at `path`, for the `Allow` header.
  package static func methods(at path: [String]) -> [String] {
    AdminOperation.allCases.map(\.rule).filter { matches($0, path) }.map(\.method)
  }

  private static func matches(_ rule: AdminOperation.Rule, _ path: [String]) -> Bool {
    let segments = rule.segments
    return segments.count == path.count && zip(segments, path).allSatisfy { $0 == "{id}" || $0 == $1 }
  }
}
