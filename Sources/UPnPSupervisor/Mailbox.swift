import MediaProtocol
import Synchronization

/// Commands on their way from tasks to the supervisor's thread.
final class Mailbox: Sendable {
  typealias Answer = CheckedContinuation<Result<MediaReply, MediaError>, Never>
  struct Order {
    var command: MediaCommand
    var device: UDN
    var answer: Answer
  }

  /// Commands that nobody has taken yet: the thread takes them within milliseconds.
  static let most = 64

  private struct State {
    var orders: [Order] = []
    var isOpen = true
    var mustStop = false
  }
  private let state = Mutex(State())
  /// Readable when there is something new. -1 when the system had no pipe for us.
  let bell: Int32
  private let rope: Int32

  init() { (bell, rope) = Channel.pipe() ?? (-1, -1) }

  deinit {
    Channel.shut(bell)
    Channel.shut(rope)
  }

  func post(_ order: Order) {
    let refusal: String? = state.withLock { state in
      guard state.isOpen else { return "the UPnP workers are not running" }
      guard state.orders.count < Self.most else { return "\(Self.most) commands wait" }
      state.orders.append(order)
      return nil
    }
    if let refusal { order.answer.resume(returning: .failure(.busy(refusal))) } else { Channel.ring(rope) }
  }

  func stop() {
    state.withLock { $0.mustStop = true }
    Channel.ring(rope)
  }

  func take() -> (orders: [Order], mustStop: Bool) {
    if case .bytes = Channel.receive(bell, atMost: 256) {}
    return state.withLock { state in
      defer { state.orders = [] }
      return (state.orders, state.mustStop)
    }
  }

  /// From now on every command is answered with "busy".
  func shut() {
    let left = state.withLock { state in
      defer { state.orders = [] }
      state.isOpen = false
      return state.orders
    }
    for order in left { order.answer.resume(returning: .failure(.busy("the UPnP workers are not running"))) }
  }
}
