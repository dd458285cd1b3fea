package import CPNSModel

/// One change of what the server keeps, or a condition under which the changes after it are made.
package enum ServerOperation: Sendable, Equatable {
  case require(ServerCondition)

  case putClaim(ClaimRecord)
  case spendClaim(hash: [UInt8], ClaimSpending)
  case putGateway(GatewayRecord)
  case putNetwork(NetworkRecord)

  /// Adds or replaces, with the services that the entity registered.
  case putEntry(InventoryEntry, PNID)
  case removeEntry(EntityID, PNID)
  /// Removes those that are not in the set.
  case keepEntries(Set<EntityID>, PNID)

  /// Published by an application.
  case putService(ServiceRecord)
  /// Does nothing for a PNE's.
  case removeService(ServiceID)

  case putContent(ContentRecord)
  case removeContent(ContentID)

  /// A new one.
  case putDelivery(ServerDelivery)
  /// The gateway has it on disk, and will tell the end.
  case answered(DeliveryID)
  /// The first end counts; one that has ended stays so. The oldest end above ``ServerBounds/endedDeliveries`` is forgotten.
  case end(DeliveryOutcome, at: Timestamp)

  /// Counts once for each usage id.
  case putUsage(UsageRecord, gateway: EntityID, pn: PNID, received: Timestamp)

  /// Ended deliveries and claims of before these times.
  case forget(deliveriesEndedBefore: Timestamp, claimsMadeBefore: Timestamp)
}

/// What must hold inside the transaction: others may have changed it since it was read.
package enum ServerCondition: Sendable, Equatable {
  case revision(PNID, UInt64)
  case devices(of: PNID, atMost: Int)
  case claimUnspent(hash: [UInt8])
  case unspentClaims(below: Int)
  /// The gateway is not known, or known with this key and this PN.
  case gateway(EntityID, key: [UInt8], pn: PNID)
  case contentExists(ContentID)
  /// No live delivery is of it.
  case contentUnused(ContentID)
  case contents(below: Int)
  case services(below: Int)
  case liveDeliveries(below: Int)
  case liveDeliveriesOf(PNID, below: Int)
}
