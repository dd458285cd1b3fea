package import CPNSModel

/// Where received contents go.
package protocol ContentInbox: Sendable {
  /// Once, at the start: what an earlier run left of deliveries other than these goes.
  func prepare(keeping live: Set<DeliveryID>) async throws(InboxError)

  /// The content of a delivery, new, or half there from before. The same object until it is discarded.
  func open(_ order: DeliveryOrder) async throws(InboxError) -> any IncomingContent

  /// The delivery has ended, and that is on disk: what was kept for another try goes. A content that is in place stays.
  func discard(_ delivery: DeliveryID) async
}

/// One content on its way in.
package protocol IncomingContent: Sendable {
  /// Bytes from the start that are there.
  var available: UInt64 { get async }

  /// An earlier ``finish()`` has put it in place already.
  var isWhole: Bool { get async }

  /// - Parameter offset: what is available now.
  func append(_ bytes: [UInt8], at offset: UInt64) async throws(InboxError)

  /// No more bytes come: verifies size and SHA-256 where they are known, and puts the content in place, durably.
  /// Called again, after a crash too, it finds the content where it put it, and puts no second one.
  func finish() async throws(InboxError) -> ReceivedContent

  /// Forgets what is there, to begin at 0.
  func restart() async throws(InboxError)
}

package struct ReceivedContent: Sendable, Equatable {
  /// Where people find it.
  package var path: String
  package var bytes: UInt64
  /// 32 bytes.
  package var sha256: [UInt8]

  package init(path: String, bytes: UInt64, sha256: [UInt8]) {
    self.path = path
    self.bytes = bytes
    self.sha256 = sha256
  }
}

package enum InboxError: Error, Equatable, Sendable {
  /// The disk is full.
  case full(String)
  case io(String)
  /// What came is not what was announced.
  case mismatch(String)
}
