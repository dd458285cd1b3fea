package import CPNSModel

/// What must survive a power cut: the PN Inventory, pairings, deliveries and the outbox.
///
/// Every operation of one `commit` is on disk, or none is. Commits that come together share one flush (group commit).
package protocol GatewayStore: Sendable {
  /// Everything that the cores keep in memory, once at start.
  func load() async throws(StoreError) -> GatewayState

  /// Returns when the operations are on disk.
  func commit(_ operations: [StoreOperation]) async throws(StoreError)

  /// A delivery, ended ones among them; nil when it was never accepted or is forgotten.
  func delivery(_ id: DeliveryID) async throws(StoreError) -> DeliveryRecord?

  /// Deliveries that have ended, the newest end first, at most `limit`.
  func endedDeliveries(limit: Int) async throws(StoreError) -> [DeliveryRecord]

  /// The oldest messages with `sequence` above `after`, in order, at most `limit`.
  func outbox(after sequence: Int64, limit: Int) async throws(StoreError) -> [OutboxMessage]

  /// Of the newest message that waits, or one before it that is gone; 0 at first.
  func lastSequence() async throws(StoreError) -> Int64

  /// How many messages wait, how large they are, and since when the oldest does.
  func outboxDepth() async throws(StoreError) -> OutboxDepth
}

package struct GatewayState: Sendable, Equatable {
  /// Made by the store at the first start; never changes.
  package var gateway: EntityID
  package var pn: PersonalNetworkState?
  package var entries: [InventoryEntry]
  package var pairings: [Pairing]
  /// Deliveries that have not ended.
  package var deliveries: [DeliveryRecord]

  package init(
    gateway: EntityID, pn: PersonalNetworkState?, entries: [InventoryEntry], pairings: [Pairing], deliveries: [DeliveryRecord]
  ) {
    self.gateway = gateway
    self.pn = pn
    self.entries = entries
    self.pairings = pairings
    self.deliveries = deliveries
  }
}

package struct PersonalNetworkState: Sendable, Equatable {
  package var id: PNID
  package var name: String
  /// Counts each change of the inventory, from 0.
  package var revision: UInt64
  /// The CPNS Server that we enrolled with, `host:port`, and its entity id. nil before enrolment.
  package var server: String?
  package var serverID: EntityID?

  package init(id: PNID, name: String, revision: UInt64, server: String?, serverID: EntityID?) {
    self.id = id
    self.name = name
    self.revision = revision
    self.server = server
    self.serverID = serverID
  }
}

/// A PNE that holds an Entity-User Key of ours (AD 5.6.6). We keep the derived per-gateway key only.
package struct Pairing: Sendable, Equatable {
  package var element: EntityID
  package var name: String
  package var generation: UInt32
  /// 32 bytes.
  package var gatewayKey: [UInt8]
  package var paired: Timestamp

  package init(element: EntityID, name: String, generation: UInt32, gatewayKey: [UInt8], paired: Timestamp) {
    self.element = element
    self.name = name
    self.generation = generation
    self.gatewayKey = gatewayKey
    self.paired = paired
  }
}

package struct DeliveryRecord: Sendable, Equatable {
  package var order: DeliveryOrder
  package var state: DeliveryState
  package var source: ContentSource
  package var accepted: Timestamp
  /// How often it was begun; a delivery that keeps failing is given up.
  package var attempts: Int
  /// How it ended; nil while it lasts.
  package var ending: DeliveryEnding?

  package init(
    order: DeliveryOrder, state: DeliveryState, source: ContentSource, accepted: Timestamp, attempts: Int, ending: DeliveryEnding? = nil
  ) {
    self.order = order
    self.state = state
    self.source = source
    self.accepted = accepted
    self.attempts = attempts
    self.ending = ending
  }
}

package struct DeliveryEnding: Sendable, Equatable, Codable {
  package var outcome: DeliveryOutcome
  package var at: Timestamp

  package init(outcome: DeliveryOutcome, at: Timestamp) {
    self.outcome = outcome
    self.at = at
  }
}

/// Where the gateway gets a content from.
package enum ContentSource: Sendable, Equatable, Codable {
  /// From the CPNS Server over the uplink, by content id.
  case server
  /// From a media server on the LAN, which is the virtual PNE `element`.
  case mediaServer(element: EntityID, url: String)
  /// From an administrator: it lies whole in the stage already.
  case staged
}

package enum StoreOperation: Sendable, Equatable {
  case setPN(PersonalNetworkState)
  case putEntry(InventoryEntry)
  case removeEntry(EntityID)
  case putPairing(Pairing)
  case removePairing(EntityID)
  /// Adds or replaces. A delivery in a final state stays 30 days, so that a repeated offer is recognised.
  case putDelivery(DeliveryRecord)
  /// Appends to the outbox; the store numbers it.
  case enqueue(OutboxDraft)
  /// The server has these: with a sequence above `after`.
  case acknowledge(after: Int64 = 0, upTo: Int64)
}

/// A message for the server that must arrive, whatever happens.
package struct OutboxDraft: Sendable, Equatable {
  /// `Cpns_V1_Kind.rawValue`
  package var kind: Int
  package var body: [UInt8]
  package var idempotency: IdempotencyID
  package var made: Timestamp

  package init(kind: Int, body: [UInt8], idempotency: IdempotencyID, made: Timestamp) {
    self.kind = kind
    self.body = body
    self.idempotency = idempotency
    self.made = made
  }
}

package struct OutboxMessage: Sendable, Equatable {
  /// Rises by one with each message, never used again.
  package var sequence: Int64
  package var draft: OutboxDraft

  package init(sequence: Int64, draft: OutboxDraft) {
    self.sequence = sequence
    self.draft = draft
  }
}

package struct OutboxDepth: Sendable, Equatable {
  package var messages: Int
  /// Of their bodies.
  package var bytes: UInt64
  package var oldest: Timestamp?

  package init(messages: Int, bytes: UInt64 = 0, oldest: Timestamp?) {
    self.messages = messages
    self.bytes = bytes
    self.oldest = oldest
  }
}

package enum StoreError: Error, Equatable, Sendable {
  /// No room or an I/O error: nothing was changed; try again when there is room.
  case unavailable(String)
  /// The file is not a database of ours or is damaged: for a person.
  case damaged(String)
  /// The file was written by a newer version (its number, ours).
  case newer(found: Int, known: Int)
}
