package import CPNSModel

/// Content on its way through the gateway, kept as files under a quota.
package protocol ContentStage: Sendable {
  /// The staged content, new, half there from an earlier run, or whole. The same object for the same id while it is in use.
  func open(_ content: ContentDescription) async throws(StageError) -> any StagedContent

  /// Content that no delivery needs any more. Does nothing when it is not there.
  func remove(_ content: ContentID) async
}

/// One content: bytes arrive in order at one end, and any number of readers follow behind.
package protocol StagedContent: Sendable {
  var description: ContentDescription { get }
  /// Of the file that holds the bytes; it does not change while the content is open.
  var path: String { get }
  /// Bytes from the start that can be read now.
  var available: UInt64 { get }
  /// All bytes are there, and size and hash were right.
  var isWhole: Bool { get }

  /// Appends; `offset` must be what is available now.
  func append(_ bytes: [UInt8], at offset: UInt64) async throws(StageError)

  /// No more bytes come: verifies size and SHA-256 (where known), flushes, and wakes all readers.
  /// - Returns: SHA-256 of the whole content.
  @discardableResult
  func finish() async throws(StageError) -> [UInt8]

  /// The source failed: readers that wait get the error. Bytes that are there stay, for another try.
  func fail(_ reason: String) async

  /// Forgets what was staged, to start from 0 (after a hash mismatch).
  func restart() async throws(StageError)

  /// Waits until more than `offset` bytes are there.
  /// - Returns: what is available then; equal to `offset` only when the content ends there.
  func waitForBytes(past offset: UInt64) async throws(StageError) -> UInt64

  /// At most `count` bytes from `offset`, of what is available.
  func read(at offset: UInt64, count: Int) async throws(StageError) -> [UInt8]
}

package enum StageError: Error, Equatable, Sendable {
  /// The quota or the disk is full.
  case full(String)
  case io(String)
  /// What came is not what was announced.
  case mismatch(String)
  /// The source gave up; the text says why.
  case source(String)
  case outOfOrder(expected: UInt64, got: UInt64)
}

/// Gives Non-CPNS devices one-time URLs (AD 5.6.10, CPNS-9).
package protocol MediaRelaying: Sendable {
  /// A URL that only `client` can read, until it is withdrawn or `ticket.expires`.
  func publish(_ offering: RelayOffering) async throws(RelayError) -> RelayTicket
  func withdraw(_ ticket: RelayTicket) async
  /// What devices fetch. One reader; the newest 256 events are kept.
  var events: AsyncStream<RelayEvent> { get }
}

package struct RelayOffering: Sendable {
  package var content: any StagedContent
  /// Address literal of the device that may read.
  package var client: String
  /// Our own address on the device's network: the URL's host.
  package var localAddress: String
  /// The 4th field of its ProtocolInfo, for `contentFeatures.dlna.org`; empty: none is sent.
  package var contentFeatures: String
  /// Seconds until the URL is gone, 1 to 86,400.
  package var lifetimeSeconds: Int

  package init(content: any StagedContent, client: String, localAddress: String, contentFeatures: String, lifetimeSeconds: Int) {
    self.content = content
    self.client = client
    self.localAddress = localAddress
    self.contentFeatures = contentFeatures
    self.lifetimeSeconds = lifetimeSeconds
  }
}

package struct RelayTicket: Sendable, Hashable {
  /// 128 random bits in hexadecimal.
  package var token: String
  package var url: String

  package init(token: String, url: String) {
    self.token = token
    self.url = url
  }
}

package struct RelayEvent: Sendable, Equatable {
  package var token: String
  /// Bytes of the content that the device has read at least once, counted over all its requests.
  package var distinctBytes: UInt64
  /// A request has just ended (by the device or by us).
  package var requestEnded: Bool

  package init(token: String, distinctBytes: UInt64, requestEnded: Bool) {
    self.token = token
    self.distinctBytes = distinctBytes
    self.requestEnded = requestEnded
  }
}

package enum RelayError: Error, Equatable, Sendable {
  /// Too many URLs are out, or the address is not ours.
  case unavailable(String)
}

/// Reads content from a device on the LAN: plain HTTP/1.1, no redirects, only from `host`, bounded.
package protocol MediaFetching: Sendable {
  /// Gives the body from `offset` on, in order, to `sink`; a sink that is slow slows the device.
  /// - Returns: the size of the whole content when the device says it.
  func fetch(
    url: String, onlyFrom host: String, offset: UInt64,
    sink: @Sendable ([UInt8]) async throws -> Void
  ) async throws(FetchError) -> UInt64?
}

package enum FetchError: Error, Equatable, Sendable {
  /// The URL points elsewhere than to the device: never fetched.
  case forbidden(String)
  case unreachable(String)
  /// The device answered with this status.
  case status(Int)
  case malformed(String)
  /// The sink threw.
  case interrupted(String)
}
