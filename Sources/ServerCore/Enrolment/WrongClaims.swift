import CPNSModel

/// Slows down who guesses claims, or keys: so many wrong ones from an address, then none for a while.
///
/// A claim has 128 random bits, so nobody guesses one; but each guess costs a look at the disk.
struct WrongClaims: Sendable {
  static let most = 5
  static let pauseMilliseconds: Int64 = 60_000
  /// Addresses that are remembered. Above it the one whose pause ends first is forgotten.
  private static let mostAddresses = 1_024

  private struct Tally {
    var count: Int
    var until: Timestamp
  }
  private var tallies: [String: Tally] = [:]

  /// - Returns: how long this address has to wait, in milliseconds; nil: not at all.
  mutating func wait(_ address: String, now: Timestamp) -> Int64? {
    guard let tally = tallies[address] else { return nil }
    // A clock that was set back must not lock anybody out for longer.
    let left = tally.until.milliseconds - now.milliseconds
    guard left > 0, left <= Self.pauseMilliseconds else {
      tallies[address] = nil
      return nil
    }
    return tally.count >= Self.most ? left : nil
  }

  /// `10.77.0.40` of `10.77.0.40:51234`: each link has another port.
  static func host(_ address: String) -> String {
    address.lastIndex(of: ":").map { String(address[..<$0]) } ?? address
  }

  mutating func note(_ address: String, now: Timestamp) {
    if tallies[address] == nil, tallies.count >= Self.mostAddresses, let first = tallies.min(by: { $0.value.until < $1.value.until })?.key {
      tallies[first] = nil
    }
    tallies[address, default: Tally(count: 0, until: now)].count += 1
    tallies[address]?.until = Timestamp(milliseconds: now.milliseconds + Self.pauseMilliseconds)
  }
}
