import MediaProtocol
import Testing

@testable import UPnPWorker

/// Time that stands still while anything happens, and jumps to the next timer when nothing does.
final class JumpingClock: LoopClock {
  /// Real time in which a packet crosses the loopback interface for sure.
  private static let quiet: Int32 = 20
  /// A loop without timers that hears nothing for so long will never end.
  private static let longest = Duration.seconds(7 * 86_400)
  private var time = Instant.now

  override var now: Instant { time }
  override func patience(until due: Instant?) -> Int32 { due.map { $0 <= time } == true ? 0 : Self.quiet }
  override func waited(for due: Instant?) { time = max(time, due ?? time + Self.longest) }
}

/// An event loop, with devices on loopback addresses and a clock that jumps.
struct Stage {
  static let ours = IPAddress(127, 0, 0, 1)
  static let device = IPAddress(127, 0, 0, 9)

  let loop = EventLoop(clock: JumpingClock())
  let began: EventLoop.Instant

  init() { began = loop.now }

  var elapsed: Duration { loop.now - began }
  var client: HTTPClient { HTTPClient(loop: loop, interface: nil, local: nil) }
  var policy: LANPolicy { LANPolicy(local: Self.ours, prefix: 8, exceptions: [Self.device, IPAddress(127, 0, 0, 10)]) }
  var finder: Finder { Finder(client: client, place: .init(interface: "lo", local: Self.ours, policy: policy)) }

  /// Runs the loop until `start`'s callback is called.
  func outcome<T>(_ start: (@escaping (T) -> Void) -> Void) throws -> T {
    var value: T?
    let guardian = loop.after(.seconds(86_400)) { loop.stop(1) }
    start {
      value = $0
      loop.stop(0)
    }
    _ = loop.run()
    loop.cancel(guardian)
    return try #require(value, "it never ended")
  }

  /// Runs the loop for so long.
  func pass(_ time: Duration) {
    loop.after(time) { loop.stop(0) }
    _ = loop.run()
  }

  func text(_ finding: Finder.Finding) -> String {
    switch finding {
    case .success(let devices): "found \(devices.count)"
    case .failure(let refusal): refusal.why
    }
  }
}
