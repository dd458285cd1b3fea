import CPNSModel
import CPNSSession
import Synchronization

/// The one live link that each gateway may have.
///
/// A second link of the same gateway replaces the first: a gateway that comes back by another way has not said goodbye,
/// and its newest link is the one that works.
final class GatewayLinks: Sendable {
  private struct Linked {
    let session: Session
    /// Says that there is something to offer.
    let wake: AsyncStream<Void>.Continuation
  }
  private let links = Mutex<[EntityID: Linked]>([:])

  /// - Returns: what wakes whoever offers over this link, and the session that it replaces, to be closed.
  func enter(_ gateway: EntityID, _ session: Session) -> (wakes: AsyncStream<Void>, replaced: Session?) {
    let (wakes, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let old = links.withLock { $0.updateValue(Linked(session: session, wake: wake), forKey: gateway) }
    old?.wake.finish()
    return (wakes, old?.session)
  }

  /// - Returns: whether the gateway has no link now.
  func leave(_ gateway: EntityID, _ session: Session) -> Bool {
    links.withLock { links in
      guard links[gateway]?.session.id == session.id else { return false }
      return links.removeValue(forKey: gateway) != nil
    }
  }

  func session(of gateway: EntityID) -> Session? { links.withLock { $0[gateway]?.session } }
  func wake(_ gateway: EntityID) { _ = links.withLock { $0[gateway]?.wake.yield() } }
  func isOnline(_ gateway: EntityID) -> Bool { links.withLock { $0[gateway] != nil } }
}
