/// One line of `GET /v1/events` (application/x-ndjson).
package struct EventReply: Sendable, Hashable, Codable {
  /// Counts up by one since the gateway started: a gap is what a slow reader has lost.
  package var sequence: UInt64
  package var at: UTCTime
  /// `paired`, `online`, `delivery-ended`… New kinds may come.
  package var kind: String
  /// One plain sentence, for people.
  package var text: String
  package var fields: [String: String]

  package init(sequence: UInt64, at: UTCTime, kind: String, text: String, fields: [String: String]) {
    self.sequence = sequence
    self.at = at
    self.kind = kind
    self.text = text
    self.fields = fields
  }
}
