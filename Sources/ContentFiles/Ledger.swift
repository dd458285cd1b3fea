import CPNSModel
import Synchronization

/// How many bytes each content has on the disk, and the quota that they share.
final class Ledger: Sendable {
  let quota: UInt64
  private let sizes = Mutex<[ContentID: UInt64]>([:])

  init(quota: UInt64) { self.quota = quota }

  var used: UInt64 { sizes.withLock { Self.sum($0) } }

  /// - Returns: false, and nothing happened, when the quota does not allow it.
  func reserve(_ bytes: UInt64, for content: ContentID) -> Bool {
    sizes.withLock { sizes in
      let (sum, overflows) = Self.sum(sizes).addingReportingOverflow(bytes)
      guard !overflows, sum <= quota else { return false }
      sizes[content, default: 0] += bytes
      return true
    }
  }

  /// How many bytes have to go before so many can come; at least 1.
  func shortage(for bytes: UInt64) -> UInt64 {
    let (sum, overflows) = used.addingReportingOverflow(bytes)
    return overflows ? .max : max(1, sum &- min(sum, quota))
  }

  /// What is really there.
  func set(_ bytes: UInt64?, for content: ContentID) { sizes.withLock { $0[content] = bytes } }

  /// At most a few hundred contents: a running total would be one more thing to keep right.
  private static func sum(_ sizes: [ContentID: UInt64]) -> UInt64 { sizes.values.reduce(0) { $0 &+ $1 } }
}
