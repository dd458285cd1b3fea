/// `H+:MM:SS[.F+]`, the time of AVTransport:1 (2.2.15).
package enum MediaTime {
  /// Whole seconds; nil for `NOT_IMPLEMENTED`, an empty text and anything that is no time.
  package static func seconds(_ text: some StringProtocol) -> Int? {
    let parts = text.trimmed.prefix { $0 != "." }.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }) else { return nil }
    // A year of hours; more is a device's way to say "unknown".
    guard let hours = Int(parts[0]), hours <= 8784, let minutes = Int(parts[1]), minutes < 60, let seconds = Int(parts[2]), seconds < 60 else { return nil }
    return hours * 3600 + minutes * 60 + seconds
  }

  package static func text(seconds: Int) -> String {
    let whole = max(0, seconds)
    let two: (Int) -> String = { $0 < 10 ? "0\($0)" : "\($0)" }
    return "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60))"
  }
}
