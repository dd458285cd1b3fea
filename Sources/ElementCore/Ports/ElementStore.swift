package import CPNSModel

/// What must survive a power cut: who we are, the pairing, and the deliveries that are not settled.
package protocol ElementStore: Sendable {
  /// Everything that was kept. Makes the ids at the first start.
  func load() async throws(ElementStoreError) -> ElementState

  /// Returns when the operations are on disk, all of them; a later one counts more than an earlier.
  func commit(_ operations: [ElementOperation]) async throws(ElementStoreError)
}

package struct ElementState: Sendable, Equatable {
  /// Made once; never changes.
  package var element: EntityID
  /// Of the "content-reception" service. Made once; never changes.
  package var reception: ServiceID
  package var membership: Membership?
  /// In the order of their acceptance.
  package var deliveries: [ReceivedDelivery]

  package init(element: EntityID, reception: ServiceID, membership: Membership? = nil, deliveries: [ReceivedDelivery] = []) {
    self.element = element
    self.reception = reception
    self.membership = membership
    self.deliveries = deliveries
  }
}

/// The PN that we belong to, by the Entity-User Key that its gateway gave us (AD 5.6.6).
package struct Membership: Sendable, Equatable, Codable {
  package var gateway: EntityID
  /// For people.
  package var gatewayName: String
  package var pn: PNID
  /// 32 bytes. Never in a log.
  package var entityUserKey: [UInt8]
  package var generation: UInt32

  package init(gateway: EntityID, gatewayName: String, pn: PNID, entityUserKey: [UInt8], generation: UInt32) {
    self.gateway = gateway
    self.gatewayName = gatewayName
    self.pn = pn
    self.entityUserKey = entityUserKey
    self.generation = generation
  }
}

package enum ElementOperation: Sendable, Equatable {
  case setMembership(Membership)
  /// Adds, or replaces the one of the same id.
  case putDelivery(ReceivedDelivery)
  case forgetDelivery(DeliveryID)
}

package enum ElementStoreError: Error, Equatable, Sendable {
  /// No room or an I/O error: nothing was changed; try again when there is room.
  case unavailable(String)
  /// What is there was not written by us, or is damaged: for a person.
  case damaged(String)

  package var words: String {
    switch self {
    case .unavailable(let text), .damaged(let text): text
    }
  }
}
