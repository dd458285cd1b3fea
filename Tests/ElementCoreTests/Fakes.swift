import CPNSModel
import Synchronization

@testable import ElementCore

/// Not a hash that protects anything: different bytes give different 32 bytes, as far as tests go.
func digest(_ bytes: some Sequence<UInt8>) -> [UInt8] {
  var state: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in bytes { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
  return (0..<4).flatMap { part in withUnsafeBytes(of: (state &+ UInt64(part)).bigEndian) { Array($0) } }
}

struct FakeSecrets: ElementSecrets {
  func derive(key: [UInt8], salt: [UInt8], info: String) -> [UInt8] { digest(key + salt + Array(info.utf8)) }
}

/// Keeps in memory what a folder would keep on disk: it outlives the element.
actor MemoryStore: ElementStore {
  private(set) var state: ElementState
  var isFull = false

  init(_ state: ElementState = ElementState(element: .random(), reception: .random())) { self.state = state }

  func fill() { isFull = true }
  func load() async throws(ElementStoreError) -> ElementState { state }

  func commit(_ operations: [ElementOperation]) async throws(ElementStoreError) {
    if isFull { throw .unavailable("no space left on device") }
    for operation in operations {
      switch operation {
      case .setMembership(let membership): state.membership = membership
      case .putDelivery(let delivery):
        state.deliveries.removeAll { $0.order.id == delivery.order.id }
        state.deliveries.append(delivery)
      case .forgetDelivery(let id): state.deliveries.removeAll { $0.order.id == id }
      }
    }
  }
}

/// Keeps contents in memory; it outlives the element.
actor MemoryInbox: ContentInbox {
  private var coming: [DeliveryID: MemoryContent] = [:]
  private(set) var placed: [(name: String, bytes: [UInt8])] = []

  func prepare(keeping live: Set<DeliveryID>) async throws(InboxError) { coming = coming.filter { live.contains($0.key) } }

  func open(_ order: DeliveryOrder) async throws(InboxError) -> any IncomingContent {
    let content = coming[order.id] ?? MemoryContent(order, self)
    coming[order.id] = content
    return content
  }

  func discard(_ delivery: DeliveryID) async { coming[delivery] = nil }
  func place(_ name: String, _ bytes: [UInt8]) { placed.append((name, bytes)) }
}

actor MemoryContent: IncomingContent {
  private let order: DeliveryOrder
  private let inbox: MemoryInbox
  private var bytes: [UInt8] = []
  private var whole: ReceivedContent?

  init(_ order: DeliveryOrder, _ inbox: MemoryInbox) {
    self.order = order
    self.inbox = inbox
  }

  var available: UInt64 { UInt64(bytes.count) }
  var isWhole: Bool { whole != nil }

  func append(_ bytes: [UInt8], at offset: UInt64) async throws(InboxError) {
    guard offset == available else { throw .mismatch("at \(offset), expected \(available)") }
    self.bytes += bytes
  }

  func finish() async throws(InboxError) -> ReceivedContent {
    if let whole { return whole }
    guard order.content.sha256 ?? digest(bytes) == digest(bytes) else { throw .mismatch("another hash") }
    let content = ReceivedContent(path: "/inbox/\(order.content.name)", bytes: available, sha256: digest(bytes))
    whole = content
    await inbox.place(order.content.name, bytes)
    return content
  }

  func restart() async throws(InboxError) {
    bytes = []
    whole = nil
  }
}

struct FixedSightings: GatewayFinding {
  let seen: [GatewaySighting]
  private let ends = Log<AsyncStream<[GatewaySighting]>.Continuation>()

  init(_ seen: [GatewaySighting]) { self.seen = seen }

  func sightings() -> AsyncStream<[GatewaySighting]> {
    let (stream, continuation) = AsyncStream<[GatewaySighting]>.makeStream()
    continuation.yield(seen)
    ends.add(continuation)  // kept, so that the stream goes on
    return stream
  }
}
