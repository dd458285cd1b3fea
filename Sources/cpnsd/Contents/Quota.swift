import Synchronization

/// Bytes that all contents share.
final class Quota: Sendable {
  let limit: UInt64
  private let taken = Mutex<UInt64>(0)

  init(limit: UInt64) { self.limit = limit }

  var used: UInt64 { taken.withLock { $0 } }

  /// - Returns: false, and nothing happened, when there is no room.
  func take(_ bytes: UInt64) -> Bool {
    taken.withLock { taken in
      let (sum, overflows) = taken.addingReportingOverflow(bytes)
      guard !overflows, sum <= limit else { return false }
      taken = sum
      return true
    }
  }

  func giveBack(_ bytes: UInt64) { taken.withLock { $0 -= min($0, bytes) } }

  /// What is there already counts, even when it is more than is allowed now.
  func count(_ bytes: UInt64) { taken.withLock { $0 &+= bytes } }
}
