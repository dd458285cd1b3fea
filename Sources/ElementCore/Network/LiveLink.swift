import CPNSModel
import CPNSSession
import Synchronization

/// The registered link that this element has now, for whoever wants to ask something over it.
final class LiveLink: Sendable {
  struct Linked: Sendable {
    let session: Session
    /// nil: the gateway is not enrolled.
    let server: EntityID?
  }
  private let linked = Mutex<Linked?>(nil)

  var now: Linked? { linked.withLock { $0 } }

  func enter(_ new: Linked) { linked.withLock { $0 = new } }
  func leave(_ session: Session) { linked.withLock { if $0?.session.id == session.id { $0 = nil } } }
}
