package import CPNSModel

/// A one-time right to enrol one gateway. Of its secret only the hash is kept.
package struct ClaimRecord: Sendable, Equatable {
  /// SHA-256 of the secret.
  package var hash: [UInt8]
  /// Name for the PN; nil: as the gateway calls it.
  package var pnName: String?
  package var made: Timestamp
  package var spent: ClaimSpending?

  package init(hash: [UInt8], pnName: String?, made: Timestamp, spent: ClaimSpending? = nil) {
    self.hash = hash
    self.pnName = pnName
    self.made = made
    self.spent = spent
  }
}

/// By whom a claim was spent, and the answer, which the same request gets again.
package struct ClaimSpending: Sendable, Equatable {
  package var gateway: EntityID
  package var idempotency: IdempotencyID
  /// `Cpns_V1_Enrolment`, encoded.
  package var answer: [UInt8]
  package var at: Timestamp

  package init(gateway: EntityID, idempotency: IdempotencyID, answer: [UInt8], at: Timestamp) {
    self.gateway = gateway
    self.idempotency = idempotency
    self.answer = answer
    self.at = at
  }
}

/// A PN GW that has enrolled.
package struct GatewayRecord: Sendable, Equatable {
  package var id: EntityID
  package var name: String
  /// The Personal Network that it serves.
  package var pn: PNID
  /// SHA-256 of its public key: who enrols again under this id must have the same.
  package var key: [UInt8]
  package var enrolled: Timestamp

  package init(id: EntityID, name: String, pn: PNID, key: [UInt8], enrolled: Timestamp) {
    self.id = id
    self.name = name
    self.pn = pn
    self.key = key
    self.enrolled = enrolled
  }
}

/// A Personal Network as the server knows it.
package struct NetworkRecord: Sendable, Equatable {
  package var id: PNID
  package var name: String
  /// The name was given here, with the claim: the gateway's does not replace it.
  package var isNamedHere: Bool
  /// Of the inventory, as the gateway counts; 0 before its first snapshot.
  package var revision: UInt64
  /// Who serves it.
  package var gateway: EntityID

  package init(id: PNID, name: String, isNamedHere: Bool, revision: UInt64, gateway: EntityID) {
    self.id = id
    self.name = name
    self.isNamedHere = isNamedHere
    self.revision = revision
    self.gateway = gateway
  }
}

/// A device, and where it is.
package struct LocatedEntry: Sendable, Equatable {
  package var pn: PNID
  package var gateway: EntityID
  package var entry: InventoryEntry

  package init(pn: PNID, gateway: EntityID, entry: InventoryEntry) {
    self.pn = pn
    self.gateway = gateway
    self.entry = entry
  }
}

/// A service, and the PN of the PNE that registered it; nil: an application published it.
package struct ServiceRecord: Sendable, Equatable {
  package var description: ServiceDescription
  package var pn: PNID?

  package init(description: ServiceDescription, pn: PNID?) {
    self.description = description
    self.pn = pn
  }
}

package struct ContentRecord: Sendable, Equatable {
  /// With size and hash.
  package var description: ContentDescription
  package var made: Timestamp

  package init(description: ContentDescription, made: Timestamp) {
    self.description = description
    self.made = made
  }
}

/// One content on its way to one PNE, as the server knows it.
///
///     made ──gateway answered──▶ answered ──result──▶ ended
///       └──gateway refused, nobody came for it──────────▲
package struct ServerDelivery: Sendable, Equatable {
  package var order: DeliveryOrder
  /// Where the consumer was when it was made: the gateway of this PN carries it.
  package var pn: PNID
  package var made: Timestamp
  package var isAnswered: Bool
  /// Once and for all.
  package var outcome: DeliveryOutcome?
  package var ended: Timestamp?

  package init(
    order: DeliveryOrder, pn: PNID, made: Timestamp, isAnswered: Bool = false, outcome: DeliveryOutcome? = nil, ended: Timestamp? = nil
  ) {
    self.order = order
    self.pn = pn
    self.made = made
    self.isAnswered = isAnswered
    self.outcome = outcome
    self.ended = ended
  }
}

package struct ReceivedUsage: Sendable, Equatable {
  /// Rises with each record, never used again.
  package var sequence: Int64
  package var usage: UsageRecord
  /// Who reported it.
  package var gateway: EntityID
  package var pn: PNID
  package var received: Timestamp

  package init(sequence: Int64, usage: UsageRecord, gateway: EntityID, pn: PNID, received: Timestamp) {
    self.sequence = sequence
    self.usage = usage
    self.gateway = gateway
    self.pn = pn
    self.received = received
  }
}
