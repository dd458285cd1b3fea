package import CPNSModel

/// Whether the wall clock can be right.
package enum ClockRule {
  /// No machine runs this software for so long after it was released without a newer one: 20 years.
  package static let longestMilliseconds: Int64 = 20 * 365 * 86_400_000

  package static func isPlausible(_ now: Timestamp, released: Timestamp = Version.released) -> Bool {
    now >= released && now.milliseconds - released.milliseconds < longestMilliseconds
  }

  /// - Parameter known: what else is known against the clock.
  package static func findings(now: Timestamp, released: Timestamp = Version.released, known: String? = nil) -> [Finding] {
    if let known { return [Finding(.clockImplausible, evidence: known, remedy: remedy)] }
    if isPlausible(now, released: released) { return [] }
    let how = now < released ? "before this software was released (\(day(released)))" : "more than 20 years after this software was released (\(day(released)))"
    return [Finding(
      .clockImplausible, evidence: "here it is \(now.iso8601), \(how)",
      remedy: remedy)]
  }

  private static let remedy = "set the clock: timedatectl set-ntp true, or by hand: date --utc --set=YYYY-MM-DDTHH:MM:SS"

  private static func day(_ time: Timestamp) -> String { String(time.iso8601.prefix(10)) }
}
