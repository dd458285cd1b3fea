import Synchronization

/// The port that is served now.
final class BoundPort: Sendable {
  private let value = Mutex<UInt16?>(nil)

  var port: UInt16? { value.withLock { $0 } }
  func set(_ port: Int?) { value.withLock { $0 = port.flatMap { UInt16(exactly: $0) } } }
}
