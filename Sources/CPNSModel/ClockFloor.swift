/// The earliest time that it can be, and the time by a clock that may be behind that.
///
/// A board without a battery starts in 1970, and certificates of before then are none. What has been seen to be, has been: the
/// day of the release, the last time that was right, the day on which a certificate of ours was made. Until somebody sets the
/// clock, time goes on from there.
package struct ClockFloor: Sendable, Hashable {
  /// Evidence from later than so many years after the build is a mistake: a file's time that a backup made up.
  static let mostYears: Int64 = 20

  package let earliest: Timestamp

  /// - Parameter evidence: times that have been, beside that of the build.
  package init(_ evidence: [Timestamp] = []) {
    let latest = Timestamp(milliseconds: Version.released.milliseconds + Self.mostYears * 365 * 86_400_000)
    earliest = evidence.filter { $0 <= latest }.reduce(Version.released, max)
  }

  package func isAfter(_ system: Timestamp) -> Bool { system < earliest }

  /// - Parameters:
  ///   - system: what the machine's clock says.
  ///   - running: since the floor was made, by a clock that nobody sets; 0 or more.
  package func time(system: Timestamp, running: Duration) -> Timestamp {
    guard isAfter(system) else { return system }
    let milliseconds = running.components.seconds.multipliedReportingOverflow(by: 1000).partialValue
    return Timestamp(milliseconds: earliest.milliseconds.addingReportingOverflow(max(0, milliseconds)).partialValue)
  }
}
