/// Content that can be delivered (AD 5.6.7).
package struct ContentDescription: Hashable, Sendable, Codable {
  package var id: ContentID
  /// For people, and the file name that a PNE may keep it under: no "/" and no control characters.
  package var name: String
  /// `type/subtype`
  package var mediaType: String
  /// In bytes; nil when it is not known before the end.
  package var size: UInt64?
  /// 32 bytes; nil when it is not known (content of a Non-CPNS device).
  package var sha256: [UInt8]?

  package init(id: ContentID, name: String, mediaType: String, size: UInt64?, sha256: [UInt8]?) {
    self.id = id
    self.name = name
    self.mediaType = mediaType
    self.size = size
    self.sha256 = sha256
  }
}

/// One content on its way to one PNE.
package struct DeliveryOrder: Hashable, Sendable, Codable {
  package var id: DeliveryID
  package var content: ContentDescription
  package var consumer: EntityID
  /// The server, or the PNE whose content this is.
  package var offeredBy: EntityID

  package init(id: DeliveryID, content: ContentDescription, consumer: EntityID, offeredBy: EntityID) {
    self.id = id
    self.content = content
    self.consumer = consumer
    self.offeredBy = offeredBy
  }
}

package enum DeliveryState: String, Sendable, Codable {
  /// Waiting for its turn, for the consumer or for a link.
  case accepted
  case fetching, playing
  case delivered, failed

  package var isFinal: Bool { self == .delivered || self == .failed }
}

/// The end of a delivery, once and for all.
package struct DeliveryOutcome: Hashable, Sendable, Codable {
  package var delivery: DeliveryID
  /// `.delivered` or `.failed`.
  package var state: DeliveryState
  /// In a word why it failed; empty when delivered.
  package var reason: String
  /// For people.
  package var detail: String
  package var bytes: UInt64
  /// Of what the consumer got, where it was counted.
  package var sha256: [UInt8]?

  package init(delivery: DeliveryID, state: DeliveryState, reason: String = "", detail: String = "", bytes: UInt64, sha256: [UInt8]? = nil) {
    self.delivery = delivery
    self.state = state
    self.reason = reason
    self.detail = detail
    self.bytes = bytes
    self.sha256 = sha256
  }
}

/// One service consumption by one PNE (AD 5.6.3).
package struct UsageRecord: Hashable, Sendable, Codable {
  package var id: UsageID
  package var consumer: EntityID
  package var delivery: DeliveryID
  package var content: ContentDescription
  package var serviceType: String
  package var started: Timestamp
  package var ended: Timestamp
  package var bytes: UInt64
  package var outcome: DeliveryState
  /// In force when the service was consumed.
  package var capabilities: DeviceCapabilities

  package init(
    id: UsageID, consumer: EntityID, delivery: DeliveryID, content: ContentDescription, serviceType: String,
    started: Timestamp, ended: Timestamp, bytes: UInt64, outcome: DeliveryState, capabilities: DeviceCapabilities
  ) {
    self.id = id
    self.consumer = consumer
    self.delivery = delivery
    self.content = content
    self.serviceType = serviceType
    self.started = started
    self.ended = ended
    self.bytes = bytes
    self.outcome = outcome
    self.capabilities = capabilities
  }
}
