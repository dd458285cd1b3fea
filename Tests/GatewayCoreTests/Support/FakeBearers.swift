import CPNSMessages
import CPNSModel
import CPNSSession
import GatewayCore
import Synchronization
import Testing

/// A server that can be reached or not; each link that the gateway brings up is played by the test.
final class FakeConnector: UplinkConnecting {
  struct Attempt: Sendable, Equatable {
    var server: String
    var trust: UplinkTrust
  }
  private struct State {
    var attempts: [Attempt] = []
    var refusal: LinkError?
  }
  private let state = Mutex(State())
  private let links = Links()

  var attempts: [Attempt] { state.withLock { $0.attempts } }
  /// Until nil again, nobody answers, and this is why.
  func refuse(_ refusal: LinkError?) { state.withLock { $0.refusal = refusal } }

  func withLink(to server: String, trust: UplinkTrust, _ body: @Sendable (any Link) async -> Void) async throws(LinkError) {
    let refusal = state.withLock { state in
      state.attempts.append(Attempt(server: server, trust: trust))
      return state.refusal
    }
    if let refusal { throw refusal }
    let (near, far) = MemoryLink.pair(LinkPeer(credential: .none, address: server), LinkPeer(credential: .none, address: "gateway"))
    await links.put(far)
    await body(near)
    await near.close()
  }

  /// The far end of the next link, for an entity to speak on.
  func link(as entity: EntityID) async -> Far { Far(entity, await links.take()) }
}

/// Links in the order in which they came up.
private actor Links {
  private var waiting: [MemoryLink] = []
  func put(_ link: MemoryLink) { waiting.append(link) }
  /// - Returns: one that is closed already when none comes.
  func take() async -> MemoryLink {
    await eventually("the gateway brings up a link") { !self.waiting.isEmpty }
    guard waiting.isEmpty else { return waiting.removeFirst() }
    let (closed, _) = MemoryLink.pair(LinkPeer(credential: .none, address: ""), LinkPeer(credential: .none, address: ""))
    await closed.close()
    return closed
  }
}

/// Where PNEs connect, without TLS: a PNE that knows an identity whose key the gateway has gets a link.
final class FakeListener: ElementListening {
  private struct Serving {
    var keys: @Sendable (String) -> [UInt8]?
    var rejected: @Sendable (String, String) -> Void
  }
  private let serving = Mutex<Serving?>(nil)
  private let links: AsyncStream<MemoryLink>
  private let arrivals: AsyncStream<MemoryLink>.Continuation

  init() { (links, arrivals) = AsyncStream.makeStream() }

  func serve(
    keys: @escaping @Sendable (_ identity: String) -> [UInt8]?,
    rejected: @escaping @Sendable (_ identity: String, _ address: String) -> Void,
    bound: @Sendable (_ port: Int) async -> Void,
    accept: @escaping @Sendable (any Link) async -> Void
  ) async throws(LinkError) {
    serving.withLock { $0 = Serving(keys: keys, rejected: rejected) }
    await bound(7421)
    await withDiscardingTaskGroup { group in
      for await link in links {
        group.addTask {
          await accept(link)
          await link.close()
        }
      }
      group.cancelAll()
    }
  }

  /// - Returns: nil when the gateway has no such key, or another: the handshake failed.
  func connect(_ identity: String, key: [UInt8], as entity: EntityID) -> Far? {
    guard let serving = serving.withLock({ $0 }) else { return nil }
    guard serving.keys(identity) == key else {
      serving.rejected(identity, "10.0.0.9:1")
      return nil
    }
    let (near, far) = MemoryLink.pair(
      LinkPeer(credential: .preSharedKey(identity: identity), address: "10.0.0.9:1"), LinkPeer(credential: .none, address: "gateway"))
    arrivals.yield(near)
    return Far(entity, far)
  }
}

/// Two slots for certificates, which are their times.
final class FakeCredentials: GatewayCredentials {
  struct Slots: Sendable {
    var inUse: CertificateTimes?
    /// What the next staged certificate will be.
    var next: CertificateTimes?
    var candidate: CertificateTimes?
    var stageFailure: CredentialError?
  }
  let installed = Mutex<Int>(0)
  let slots = Mutex(Slots())

  func certificateRequest(for gateway: EntityID, name: String) async throws(CredentialError) -> [UInt8] { [1, 2, 3] }
  func install(chain: [[UInt8]], trustAnchor: [UInt8]) async throws(CredentialError) { installed.withLock { $0 += 1 } }

  var certificate: CertificateTimes? { get async { slots.withLock { $0.inUse } } }
  var hasCandidate: Bool { get async { slots.withLock { $0.candidate != nil } } }
  func stage(chain: [[UInt8]]) async throws(CredentialError) {
    let failure = slots.withLock { slots in
      if slots.stageFailure == nil { slots.candidate = slots.next }
      return slots.stageFailure
    }
    if let failure { throw failure }
  }
  func promote() async throws(CredentialError) {
    slots.withLock { slots in
      slots.inUse = slots.candidate
      slots.candidate = nil
    }
  }
  func dropCandidate() async { slots.withLock { $0.candidate = nil } }
}

/// A machine's clock that is right, or is not.
final class FakeTime: TimeKeeping {
  private let state = Mutex<(problem: String?, seen: [Timestamp])>((nil, []))
  var problem: String? {
    get { state.withLock { $0.problem } }
    set { state.withLock { $0.problem = newValue } }
  }
  var seen: [Timestamp] { state.withLock { $0.seen } }
  func witnessed(_ now: Timestamp) async { state.withLock { $0.seen.append(now) } }
}
