/// What somebody may do on the admin socket. Each has what the one before has.
package enum AdminPermission: String, Sendable, Codable, Hashable, CaseIterable, Comparable {
  /// Looks.
  case viewer
  /// Lets devices in and sends them content.
  case `operator`
  /// Changes what the gateway belongs to and removes devices.
  case admin

  private var rank: Int {
    switch self {
    case .viewer: 0
    case .operator: 1
    case .admin: 2
    }
  }

  package static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
}

/// Who may do what, by the user and the groups of the process that asks (unix(7), SO_PEERCRED).
package struct AdminAccess: Sendable, Hashable {
  package struct Group: Sendable, Hashable {
    package var name: String
    /// nil: there is no such group on this machine, so nobody is in it.
    package var id: UInt32?

    package init(name: String, id: UInt32?) {
      self.name = name
      self.id = id
    }
  }

  package var ownUser: UInt32
  package var viewers: Group
  package var operators: Group

  package init(ownUser: UInt32, viewers: Group, operators: Group) {
    self.ownUser = ownUser
    self.viewers = viewers
    self.operators = operators
  }

  /// - Returns: nil for who may do nothing.
  package func permission(user: UInt32, groups: [UInt32]) -> AdminPermission? {
    if user == 0 || user == ownUser { return .admin }
    if let id = operators.id, groups.contains(id) { return .operator }
    if let id = viewers.id, groups.contains(id) { return .viewer }
    return nil
  }

  /// - Throws: ``AdminFailure`` `forbidden`, which says what would help.
  package func check(_ operation: AdminOperation, user: UInt32, groups: [UInt32]) throws(AdminFailure) {
    let wanted = operation.rule.permission
    let has = permission(user: user, groups: groups)
    if let has, has >= wanted { return }
    let rule = operation.rule
    throw AdminFailure(
      .forbidden, "\(rule.method) \(rule.path) needs the permission \(wanted.rawValue); the user \(user) has \(has?.rawValue ?? "none")",
      remedy: remedy(for: wanted))
  }

  private func remedy(for wanted: AdminPermission) -> String {
    guard let group = wanted == .viewer ? viewers : wanted == .operator ? operators : nil, !group.name.isEmpty else { return "do it as root" }
    let make = group.id == nil ? "make the group first (groupadd --system \(group.name)), restart pngwd, then " : ""
    return "do it as root, or \(make)add the user to the group \(group.name) (usermod -aG \(group.name) USER) and let them log in again"
  }
}
