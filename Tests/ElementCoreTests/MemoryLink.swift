import CPNSMessages
import CPNSModel
import CPNSSession

/// Two ends of a link in memory.
final class MemoryLink: Link {
  let peer: LinkPeer
  private let inbound: AsyncStream<Cpns_V1_Envelope>
  private let outbound: AsyncStream<Cpns_V1_Envelope>.Continuation
  private let own: AsyncStream<Cpns_V1_Envelope>.Continuation

  private init(
    peer: LinkPeer, inbound: AsyncStream<Cpns_V1_Envelope>, own: AsyncStream<Cpns_V1_Envelope>.Continuation,
    outbound: AsyncStream<Cpns_V1_Envelope>.Continuation
  ) {
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

  func send(_ envelope: Cpns_V1_Envelope) async throws(LinkError) {
    if case .terminated = outbound.yield(envelope) { throw .lost("closed") }
  }
  func receive() async throws(LinkError) -> Cpns_V1_Envelope? { await inbound.first { _ in true } }
  func accept(framesUpTo bytes: Int) {}
  func close() async {
    outbound.finish()
    own.finish()
  }
}
