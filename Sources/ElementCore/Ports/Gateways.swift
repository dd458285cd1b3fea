package import CPNSModel
package import CPNSSession

/// A gateway that may be reached. Nothing of it is proved before the link is.
package struct GatewaySighting: Sendable, Hashable {
  /// nil: only an address is known.
  package var id: EntityID?
  /// For people.
  package var name: String
  /// `HOST:PORT`, best first, address literals or names; IPv6 in brackets.
  package var addresses: [String]

  package init(id: EntityID?, name: String, addresses: [String]) {
    self.id = id
    self.name = name
    self.addresses = addresses
  }
}

/// Finds gateways on the networks that we are on (AD 5.6.5).
package protocol GatewayFinding: Sendable {
  /// All that are seen: now, and each time that it changes. Any number of readers.
  func sightings() -> AsyncStream<[GatewaySighting]>
}

/// Ways to a gateway (CPNS-1, CPNS-6).
package protocol GatewayConnecting: Sendable {
  /// Connects with a pre-shared key of 32 bytes, lends the link to `body`, and closes it afterwards.
  /// - Throws: ``LinkError/untrusted(_:)`` when the gateway has not this key for this identity.
  func withLink(
    to address: String, identity: String, key: [UInt8], _ body: @Sendable (any Link) async -> Void
  ) async throws(LinkError)
}

/// Keys that need cryptography.
package protocol ElementSecrets: Sendable {
  /// HKDF-SHA256 (RFC 5869), 32 bytes.
  func derive(key: [UInt8], salt: [UInt8], info: String) -> [UInt8]
}
