import CPNSMessages
import CPNSModel
import CPNSSession
import Synchronization

/// Two ends of a link in memory. An end can be held: then it takes nothing more, as a peer that does not read.
final class MemoryLink: Link {
  private struct State {
    var limit = Limits.frameBeforeHello
    var isHeld = false
    var isClosed = false
    var next = 0
    var held: [Int: CheckedContinuation<Void, Never>] = [:]
  }
  let peer: LinkPeer
  private let inbound: AsyncStream<Cpns_V1_Envelope>
  private let outbound: AsyncStream<Cpns_V1_Envelope>.Continuation
  private let own: AsyncStream<Cpns_V1_Envelope>.Continuation
  private let state = Mutex(State())

  private init(peer: LinkPeer, inbound: AsyncStream<Cpns_V1_Envelope>, own: AsyncStream<Cpns_V1_Envelope>.Continuation, outbound: AsyncStream<Cpns_V1_Envelope>.Continuation) {
    self.peer = peer
    self.inbound = inbound
    self.own = own
    self.outbound = outbound
  }

  /// - Parameters: what each end sees of the other.
  static func pair(_ a: LinkPeer, _ b: LinkPeer) -> (MemoryLink, MemoryLink) {
    let (toA, intoA) = AsyncStream<Cpns_V1_Envelope>.makeStream()
    let (toB, intoB) = AsyncStream<Cpns_V1_Envelope>.makeStream()
    return (
      MemoryLink(peer: a, inbound: toA, own: intoA, outbound: intoB), MemoryLink(peer: b, inbound: toB, own: intoB, outbound: intoA)
    )
  }

  /// Largest frame that this end takes.
  var limit: Int { state.withLock { $0.limit } }
  /// Envelopes that wait to be sent from this end.
  var waiting: Int { state.withLock { $0.held.count } }

  /// From now on nothing that is sent from this end leaves.
  func hold() { state.withLock { $0.isHeld = true } }
  func release() { letGo { $0.isHeld = false } }

  func send(_ envelope: Cpns_V1_Envelope) async throws(LinkError) {
    await pass()
    if state.withLock({ $0.isHeld }) { throw .lost("cancelled or closed") }
    if case .terminated = outbound.yield(envelope) { throw .lost("closed") }
  }
  func receive() async throws(LinkError) -> Cpns_V1_Envelope? { await inbound.first { _ in true } }
  func accept(framesUpTo bytes: Int) { state.withLock { $0.limit = bytes } }
  func close() async {
    outbound.finish()
    own.finish()
    letGo { $0.isClosed = true }
  }

  private func pass() async {
    let id = state.withLock { $0.next += 1; return $0.next }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let mayGo = state.withLock { state in
          guard state.isHeld, !state.isClosed, !Task.isCancelled else { return true }
          state.held[id] = continuation
          return false
        }
        if mayGo { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.held.removeValue(forKey: id) }?.resume()
    }
  }

  private func letGo(_ change: (inout State) -> Void) {
    let held = state.withLock { state in
      change(&state)
      defer { state.held = [:] }
      return Array(state.held.values)
    }
    for continuation in held { continuation.resume() }
  }
}
