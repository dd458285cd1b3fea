package import CPNSModel

/// When the disk will be full of messages that wait for the server, if it goes on as it did.
package struct OutboxForecast: Sendable, Hashable {
  /// Younger outboxes say nothing of how it goes on.
  package static let shortestMilliseconds: Int64 = 600_000
  /// Forecasts beyond a year are none.
  static let longestHours: Double = 8760
  /// Sooner than this a person is told.
  package static let warningHours = 72

  package let messages: Int
  /// nil: it can't be said, or never.
  package let fullInHours: Int?

  /// - Parameters:
  ///   - bytes: what the messages take on disk.
  ///   - freeBytes: of the disk.
  package init(messages: Int, bytes: UInt64, oldest: Timestamp?, now: Timestamp, freeBytes: UInt64) {
    self.messages = messages
    guard let oldest, messages > 0, bytes > 0 else {
      fullInHours = nil
      return
    }
    let age = now.milliseconds.subtractingReportingOverflow(oldest.milliseconds)
    guard !age.overflow, age.partialValue >= Self.shortestMilliseconds else {
      fullInHours = nil
      return
    }
    let bytesPerHour = Double(bytes) / (Double(age.partialValue) / 3_600_000)
    let room = freeBytes > DiskRule.full ? freeBytes - DiskRule.full : 0
    let hours = Double(room) / bytesPerHour
    fullInHours = hours < Self.longestHours ? Int(hours) : nil
  }

  package var findings: [Finding] {
    guard let fullInHours, fullInHours < Self.warningHours else { return [] }
    return [Finding(
      .outboxFilling, evidence: "\(messages) messages wait for the server, and the disk will be full in \(fullInHours) hours",
      remedy: "bring the uplink back (pngwctl doctor says what is wrong with it), or free room on the disk")]
  }
}
