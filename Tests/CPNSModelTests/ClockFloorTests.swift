import CPNSModel
import Foundation
import Testing

@Suite struct ClockFloorTests {
  private let build = Version.released
  private let start = Timestamp(milliseconds: 0)
  private func later(_ days: Int64) -> Timestamp { Timestamp(milliseconds: build.milliseconds + days * 86_400_000) }

  @Test func aClockThatStartsIn1970GoesOnFromTheBuild() {
    let floor = ClockFloor()
    #expect(floor.isAfter(start))
    #expect(floor.time(system: start, running: .zero) == build)
    #expect(floor.time(system: start, running: .seconds(60)) == Timestamp(milliseconds: build.milliseconds + 60_000))
  }

  @Test func theLatestOfWhatHasBeenIsTheFloor() {
    let floor = ClockFloor([start, later(30), later(7)])
    #expect(floor.time(system: later(10), running: .zero) == later(30))
  }

  @Test func aClockThatIsSetIsBelievedAtOnceAlsoWhenItJumps() {
    let floor = ClockFloor([later(30)])
    #expect(floor.time(system: later(31), running: .seconds(5)) == later(31))
    #expect(floor.time(system: later(4000), running: .seconds(5)) == later(4000))
    #expect(!floor.isAfter(later(30)))
  }

  @Test func evidenceFromTheFarFutureIsNone() {
    #expect(ClockFloor([later(21 * 365), Timestamp(milliseconds: .max)]).earliest == build)
    #expect(ClockFloor([later(10 * 365)]).earliest == later(10 * 365))
  }

  @Test func noDurationIsTooLong() {
    _ = ClockFloor().time(system: Timestamp(milliseconds: .min), running: .seconds(Int64.max))
    #expect(ClockFloor().time(system: start, running: .seconds(-5)) == build)
  }

  /// A release that forgets to move it would take old certificates.
  @Test func theDayOfTheReleaseIsNotInTheFuture() {
    #expect(Double(Version.released.milliseconds) / 1000 < Date().timeIntervalSince1970 + 86_400)
  }
}
