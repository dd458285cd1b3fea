import CPNSModel
import FoundationEssentials

extension WallClock {
  /// Never before the day of the build, for machines whose clock starts in 1970.
  static let system = floored(ClockFloor(), ContinuousClock.now)

  private static func floored(_ floor: ClockFloor, _ began: ContinuousClock.Instant) -> WallClock {
    WallClock {
      let system = Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
      return floor.time(system: system, running: began.duration(to: .now))
    }
  }
}

extension Timestamp {
  /// Years 1 to 9999: what ISO 8601 has without extensions. A gateway may say anything.
  private static let shown: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

  /// `2026-11-25T14:30:05.120Z`
  var iso8601: String {
    let milliseconds = min(max(milliseconds, Self.shown.lowerBound), Self.shown.upperBound)
    let seconds = milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000
    let rest = String(milliseconds - seconds * 1000)
    let text = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    return text.dropLast() + "." + String(repeating: "0", count: 3 - rest.count) + rest + "Z"
  }
}
