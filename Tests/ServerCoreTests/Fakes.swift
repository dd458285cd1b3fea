import CPNSMessages
import CPNSModel
import CPNSSession
import ServerCore
import Synchronization

/// Lends the server the links that a test makes.
final class FakeListener: GatewayListening {
  private let arrivals: AsyncStream<MemoryLink>
  private let arrive: AsyncStream<MemoryLink>.Continuation

  init() { (arrivals, arrive) = AsyncStream.makeStream() }

  /// - Returns: the peer's end of a new link.
  func connect(_ credential: LinkPeer.Credential, address: String = "192.0.2.1:1") -> MemoryLink {
    let (server, peer) = MemoryLink.pair(LinkPeer(credential: credential, address: address), LinkPeer(credential: .none, address: "server"))
    arrive.yield(server)
    return peer
  }

  func serve(
    bound: @escaping @Sendable (Int) async -> Void, accept: @escaping @Sendable (any Link) async -> Void
  ) async throws(LinkError) {
    await bound(7420)
    await withDiscardingTaskGroup { group in
      for await link in arrivals { group.addTask { await accept(link) } }
      group.cancelAll()
    }
  }
}

/// Issues what is asked for: the "key" of a request is its last byte.
struct FakeAuthority: CertificateAuthority {
  let trustAnchor: [UInt8] = [0xA0]

  func issue(_ request: [UInt8], for gateway: EntityID) async throws(IssuingError) -> IssuedCertificate {
    guard let key = request.last, key != 0 else { throw .unfit("its signature is wrong") }
    return IssuedCertificate(chain: [request + [1]], key: [key])
  }
}

struct FakeSecrets: ServerSecrets {
  func random(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255) } }
  /// Not SHA-256, but as different for different bytes.
  func sha256(_ bytes: [UInt8]) -> [UInt8] { bytes + [0x5A] }
}

/// Contents in memory.
final class FakeContents: ContentKeeping {
  let held = Mutex<[ContentID: [UInt8]]>([:])

  func receive(size: UInt64?) async throws(ContentKeepingError) -> any ArrivingContent {
    if let size, size > 1 << 30 { throw .tooLarge(limit: 1 << 30) }
    return FakeArrival(contents: self)
  }
  func open(_ content: ContentDescription) async throws(ContentKeepingError) -> any OutgoingSource {
    guard let bytes = held.withLock({ $0[content.id] }) else { throw .gone("the content") }
    return FakeSource(content: bytes)
  }
  func remove(_ content: ContentID) async { held.withLock { $0[content] = nil } }
  func keep(only contents: Set<ContentID>) async throws(ContentKeepingError) {
    held.withLock { held in held = held.filter { contents.contains($0.key) } }
  }
}

private struct FakeSource: OutgoingSource {
  let content: [UInt8]
  var size: UInt64? { UInt64(content.count) }
  func bytes(at offset: UInt64, upTo count: Int) async throws(OutgoingError) -> [UInt8] { Array(content.dropFirst(Int(offset)).prefix(count)) }
}

private final class FakeArrival: ArrivingContent {
  private let contents: FakeContents
  private let bytes = Mutex<[UInt8]>([])
  init(contents: FakeContents) { self.contents = contents }

  func append(_ more: [UInt8]) async throws(ContentKeepingError) { bytes.withLock { $0 += more } }
  func finish(as content: ContentID) async throws(ContentKeepingError) -> (size: UInt64, sha256: [UInt8]) {
    let all = bytes.withLock { $0 }
    contents.held.withLock { $0[content] = all }
    return (UInt64(all.count), [UInt8](repeating: 7, count: 32))
  }
  func abandon() async {}
}

/// A gateway's side of a link: answers offers as the test says, and hands on what else comes.
final class FakeGateway: SessionHandler {
  let offers: AsyncStream<DeliveryOrder>
  let notifications: AsyncStream<Cpns_V1_Envelope>
  private let offered: AsyncStream<DeliveryOrder>.Continuation
  private let notified: AsyncStream<Cpns_V1_Envelope>.Continuation
  private let answer: @Sendable (DeliveryOrder) async -> Reply

  init(answer: @escaping @Sendable (DeliveryOrder) async -> Reply = { _ in .accepted }) {
    self.answer = answer
    (offers, offered) = AsyncStream.makeStream()
    (notifications, notified) = AsyncStream.makeStream()
  }

  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission { .admitted(.server) }

  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply {
    guard let offer = try? request.decoded(as: Cpns_V1_DeliveryOffer.self), let order = try? DeliveryOrder(checking: offer) else {
      return .status(.unsupported)
    }
    offered.yield(order)
    return await answer(order)
  }

  func received(_ notification: Cpns_V1_Envelope, on session: Session) async { notified.yield(notification) }
}

extension Reply {
  static var accepted: Reply { answer(true) }
  static func answer(_ accepted: Bool, _ reason: String = "") -> Reply {
    var answer = Cpns_V1_DeliveryAnswer()
    answer.accepted = accepted
    answer.reason = reason
    return .message(.deliveryAnswer, answer)
  }
}
