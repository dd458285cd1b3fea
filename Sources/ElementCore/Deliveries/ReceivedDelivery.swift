package import CPNSModel

/// A delivery that we have accepted.
///
///     accepted ──▶ ended (result, usage) ──gateway has both──▶ settled ──▶ forgotten, the oldest first
package struct ReceivedDelivery: Sendable, Equatable, Codable {
  package var order: DeliveryOrder
  package var accepted: Timestamp
  /// nil: it is still to be received.
  package var end: End?

  package struct End: Sendable, Equatable, Codable {
    package var outcome: DeliveryOutcome
    /// The same however often the result is sent.
    package var resultID: IdempotencyID
    package var isResultTaken: Bool
    /// Until the gateway has it. Its id stays the same however often it is sent.
    package var usage: UsageRecord?

    package init(outcome: DeliveryOutcome, resultID: IdempotencyID, isResultTaken: Bool = false, usage: UsageRecord?) {
      self.outcome = outcome
      self.resultID = resultID
      self.isResultTaken = isResultTaken
      self.usage = usage
    }
  }

  package init(order: DeliveryOrder, accepted: Timestamp, end: End? = nil) {
    self.order = order
    self.accepted = accepted
    self.end = end
  }

  /// The gateway has all that we owe it.
  var isSettled: Bool { end.map { $0.isResultTaken && $0.usage == nil } ?? false }
}

/// What the gateway has to be told until it says OK.
enum OwedReport: Sendable, Equatable {
  case result(IdempotencyID, DeliveryOutcome)
  case usage(UsageRecord)
}
