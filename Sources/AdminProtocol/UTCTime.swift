package import CPNSModel

/// A time as the admin API has it: `"2026-03-01T09:30:00.250Z"`.
package struct UTCTime: Sendable, Hashable, Codable {
  package var timestamp: Timestamp

  package init(_ timestamp: Timestamp) { self.timestamp = timestamp }

  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let timestamp = Timestamp(iso8601: text) else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "expected a time like 2026-03-01T09:30:00.250Z"))
    }
    self.timestamp = timestamp
  }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(timestamp.iso8601)
  }
}
