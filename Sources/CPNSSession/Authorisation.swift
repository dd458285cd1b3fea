package import CPNSMessages

/// Who may send what to whom: one table, checked before any handler runs (docs/protocol.md, "Who may send what").
package enum Authorisation {
  package enum Verdict: Sendable, Equatable { case allowed, forbidden, unknownKind }

  package static func verdict(on kind: Cpns_V1_Kind, from sender: Role, to receiver: Role) -> Verdict {
    guard let ways = table[kind] else { return .unknownKind }
    return ways.contains { $0.from == sender && $0.to == receiver } ? .allowed : .forbidden
  }

  /// Whether a relay takes this kind: the other kinds are for the other end of a link only. What a relay does not know it relays as well.
  package static func travels(_ kind: Cpns_V1_Kind, from sender: Role) -> Bool {
    guard sender != .stranger else { return false }
    guard let ways = table[kind] else { return kind != .unspecified && !answers.contains(kind) }
    return travelling.contains(kind) && ways.contains { $0.from == sender }
  }

  private static let travelling: Set<Cpns_V1_Kind> = [.inventoryQuery, .statusQuery, .capabilitiesQuery]
  /// They have no ways of their own, and go back the way that the request came.
  private static let answers: Set<Cpns_V1_Kind> = [
    .status, .keyAssignment, .enrolment, .registrationResult, .inventoryResult, .inventory, .statusAnswer, .capabilitiesAnswer, .deliveryAnswer,
    .contentOpened, .hello,
  ]

  /// The kinds that an entity in `role` understands, for its Hello.
  package static func kinds(understoodBy role: Role) -> [Cpns_V1_Kind] {
    table.filter { $0.value.contains { $0.to == role } }.keys.sorted { $0.rawValue < $1.rawValue } + [.status]
  }

  package struct Way: Sendable, Hashable {
    package let from: Role
    package let to: Role
  }

  private static func ways(_ from: Role..., to: [Role]) -> [Way] {
    from.flatMap { sender in to.map { Way(from: sender, to: $0) } }
  }

  private static let elementToGateway = ways(.element, to: [.gateway])
  private static let gatewayToServer = ways(.gateway, to: [.server])
  private static let down = ways(.server, to: [.gateway]) + ways(.gateway, to: [.element])
  private static let up = elementToGateway + gatewayToServer

  /// Answers are not listed: they go to whoever asked.
  package static let table: [Cpns_V1_Kind: [Way]] = [
    .keepAlive: Role.allCases.flatMap { from in Role.allCases.map { Way(from: from, to: $0) } },
    .pairRequest: ways(.stranger, to: [.gateway]),
    .enrolmentRequest: ways(.stranger, to: [.server]),
    // Of a gateway whose certificate has run out, too.
    .renewalRequest: ways(.gateway, .stranger, to: [.server]),
    .registration: elementToGateway,
    .deregistration: elementToGateway,
    .statusReport: elementToGateway,
    .statusQuery: ways(.element, to: [.gateway, .element, .server]),
    .statusSubscription: elementToGateway,
    .statusNotification: ways(.gateway, to: [.element]),
    .capabilitiesQuery: ways(.element, to: [.gateway, .element, .server]),
    .inventoryQuery: ways(.element, to: [.gateway, .server]),
    .inventoryChanges: gatewayToServer,
    .inventorySnapshot: gatewayToServer,
    .deliveryOffer: down,
    .deliveryProgress: up,
    .deliveryResult: up,
    .usageReport: up,
    .contentOpen: up,
    .contentCredit: up,
    .contentChunk: down,
    // Either side may end a stream.
    .contentClose: up + down,
  ]
}
