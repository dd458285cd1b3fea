/// How bad a problem is.
package enum Severity: String, Sendable, Hashable, Codable, CaseIterable, Comparable {
  /// Worth knowing; nothing is amiss.
  case notice
  /// Something does not work, or will not for long.
  case warning
  /// The gateway can't do its job.
  case error

  private var rank: Int {
    switch self {
    case .notice: 0
    case .warning: 1
    case .error: 2
    }
  }

  package static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
}

/// Everything that the health board, `pngwctl doctor` and the metrics can name. A code never changes its meaning and is never used again;
/// docs/operations.md has the table.
package enum ProblemCode: String, Sendable, Hashable, Codable, CaseIterable {
  // Files and settings
  case configurationMissing = "configuration-missing"
  case configurationWrong = "configuration-wrong"
  case configurationRefused = "configuration-refused"
  case configurationReverted = "configuration-reverted"
  case restartNeeded = "restart-needed"
  case stateMissing = "state-missing"
  case statePermissions = "state-permissions"
  case keyExposed = "key-exposed"
  // The gateway itself
  case gatewayDown = "gateway-down"
  case gatewaySilent = "gateway-silent"
  case portTaken = "port-taken"
  // Time
  case clockImplausible = "clock-implausible"
  // Disk
  case diskFull = "disk-full"
  case diskLow = "disk-low"
  case diskWorn = "disk-worn"
  case storeUnavailable = "store-unavailable"
  case databaseDamaged = "database-damaged"
  case databaseForeign = "database-foreign"
  case databaseNewer = "database-newer"
  // The way to the server
  case notEnrolled = "not-enrolled"
  case uplinkDown = "uplink-down"
  case uplinkRefused = "uplink-refused"
  case identityInUse = "identity-in-use"
  case dnsFailed = "dns-failed"
  case noRoute = "no-route"
  case serverUnreachable = "server-unreachable"
  case serverNotCPNS = "server-not-cpns"
  case serverUntrusted = "server-untrusted"
  case serverNameWrong = "server-name-wrong"
  case serverCertificateExpired = "server-certificate-expired"
  case serverCertificateEarly = "server-certificate-early"
  case gatewayRefused = "gateway-refused"
  case outboxMessageRefused = "outbox-message-refused"
  case outboxFilling = "outbox-filling"
  // Our certificates
  case certificateMissing = "certificate-missing"
  case certificateExpired = "certificate-expired"
  case certificateExpiring = "certificate-expiring"
  case certificateEarly = "certificate-early"
  case certificateNotRenewed = "certificate-not-renewed"
  case certificateUnfit = "certificate-unfit"
  case anchorMissing = "anchor-missing"
  // The LAN
  case interfaceMissing = "interface-missing"
  case interfaceDown = "interface-down"
  case interfaceWithoutAddress = "interface-without-address"
  case multicastLost = "multicast-lost"
  case groupNotJoined = "group-not-joined"
  case firewallDrops = "firewall-drops"
  case secondResponder = "second-responder"
  case avahiMissing = "avahi-missing"
  case bluetoothdMissing = "bluetoothd-missing"
  case workerDown = "upnp-worker-down"
  case workerLoop = "upnp-worker-loop"
  case devicesFull = "devices-full"
}

/// What is always true of a problem, whatever its cause at hand is.
package struct ProblemFacts: Sendable, Hashable {
  package let severity: Severity
  /// One sentence.
  package let meaning: String
  /// What does not work for as long as it lasts.
  package let affects: String
  /// What helps most often; a finding says it with its own names.
  package let nextStep: String
}
