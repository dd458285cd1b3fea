package import CPNSModel

/// `GET /v1/deliveries`: those that have not ended, then the newest that have.
package struct DeliveryListReply: Sendable, Hashable, Codable {
  package var deliveries: [DeliveryReply]

  package init(deliveries: [DeliveryReply]) { self.deliveries = deliveries }
}

/// `GET /v1/deliveries/{id}`
package struct DeliveryReply: Sendable, Hashable, Codable {
  package enum Source: String, Sendable, Hashable, Codable {
    case server
    case mediaServer = "media-server"
    /// Pushed on this socket.
    case administrator
  }

  package var deliveryID: DeliveryID
  package var content: ContentReply
  package var consumer: EntityID
  /// nil: it is not in the inventory any more.
  package var consumerName: String?
  package var offeredBy: EntityID
  package var source: Source
  /// `accepted`, `fetching`, `playing`, `delivered` or `failed`.
  package var state: DeliveryState
  /// While it lasts: staged or read so far. In the end: what the consumer got.
  package var bytes: UInt64?
  /// In a word why it failed.
  package var reason: String?
  /// … and in a sentence.
  package var detail: String?
  /// Of what the consumer got, where it was counted.
  package var sha256: String?
  package var attempts: Int
  package var accepted: UTCTime
  package var ended: UTCTime?

  private enum CodingKeys: String, CodingKey {
    case content, consumer, source, state, bytes, reason, detail, sha256, attempts, accepted, ended
    case deliveryID = "delivery_id"
    case consumerName = "consumer_name"
    case offeredBy = "offered_by"
  }

  package init(order: DeliveryOrder, consumerName: String?, source: Source, state: DeliveryState, attempts: Int, accepted: UTCTime) {
    deliveryID = order.id
    content = ContentReply(order.content)
    consumer = order.consumer
    self.consumerName = consumerName
    offeredBy = order.offeredBy
    self.source = source
    self.state = state
    self.attempts = attempts
    self.accepted = accepted
  }

  /// How it ended.
  package mutating func end(_ outcome: DeliveryOutcome, at time: UTCTime) {
    bytes = outcome.bytes
    reason = outcome.reason.isEmpty ? nil : outcome.reason
    detail = outcome.detail.isEmpty ? nil : outcome.detail
    sha256 = outcome.sha256.map(Hexadecimal.text)
    ended = time
  }
}
