package import CPNSModel

/// Times and sizes for people.
package enum Phrases {
  /// `just now`, `4 min ago`, `2 h ago`, `3 days ago`; a time ahead, which a clock that was set makes, is the date.
  package static func ago(_ time: Timestamp, now: Timestamp) -> String {
    let (milliseconds, overflows) = now.milliseconds.subtractingReportingOverflow(time.milliseconds)
    let seconds = milliseconds / 1000
    if overflows || seconds < -60 { return String(time.iso8601.prefix(10)) }
    return seconds < 5 ? "just now" : duration(seconds) + " ago"
  }

  package static func duration(_ seconds: Int64) -> String {
    switch seconds {
    case ..<120: "\(max(0, seconds)) s"
    case ..<7200: "\(seconds / 60) min"
    case ..<172_800: "\(seconds / 3600) h"
    default: "\(seconds / 86_400) days"
    }
  }

  /// `812 B`, `4.0 KiB`, `1.5 GiB`.
  package static func size(_ bytes: UInt64) -> String {
    if bytes < 1024 { return "\(bytes) B" }
    var value = bytes
    var rest: UInt64 = 0
    var unit = 0
    while value >= 1024, unit < units.count {
      rest = value % 1024
      value /= 1024
      unit += 1
    }
    return value >= 100 ? "\(value) \(units[unit - 1])" : "\(value).\(rest * 10 / 1024) \(units[unit - 1])"
  }

  private static let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

  /// `1 device`, `2 devices`.
  package static func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
    "\(number) \(number == 1 ? one : many ?? one + "s")"
  }
}
