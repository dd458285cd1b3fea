import CPNSModel
import Diagnosis
import Testing

@Suite struct ClockTests {
  @Test func aBoardWithoutABatteryStartsIn1970() throws {
    let finding = try #require(ClockRule.findings(now: Timestamp(milliseconds: 0)).first)
    #expect(finding.code == .clockImplausible && finding.evidence.contains("1970-01-01") && finding.remedy.contains("date --utc --set"))
  }

  @Test func aClockIsPlausibleFromTheReleaseOnForTwentyYears() {
    let released = Version.released
    func plausible(_ milliseconds: Int64) -> Bool { ClockRule.isPlausible(Timestamp(milliseconds: released.milliseconds + milliseconds)) }
    #expect(!plausible(-1) && plausible(0) && plausible(ClockRule.longestMilliseconds - 1) && !plausible(ClockRule.longestMilliseconds))
    #expect(!ClockRule.isPlausible(Timestamp(milliseconds: .min)))
  }
}

@Suite struct DiskTests {
  @Test func aDiskIsFullBeforeItHasNothingLeft() {
    func codes(_ mebibytes: UInt64) -> [ProblemCode] { DiskRule.findings(free: mebibytes << 20, total: 1 << 30, directory: "/var/lib/pngw").map(\.code) }
    #expect(codes(0) == [.diskFull] && codes(7) == [.diskFull] && codes(8) == [.diskLow] && codes(63) == [.diskLow] && codes(64) == [])
  }

  @Test(arguments: zip(["0x01 0x02", "0x09 0x01", "0x0B 0x0b", "", "junk", "0x", "-1 -1"], [0, 1, 1, 0, 0, 0, 0]))
  func flashThatIsWornIsTold(_ text: String, _ count: Int) {
    #expect(DiskRule.wear(text, device: "mmcblk0").count == count)
  }
}

@Suite struct CertificateLifetimeTests {
  let day: Int64 = 86_400_000
  let now = Timestamp(milliseconds: 1_790_000_000_000)

  func codes(_ begins: Int64, _ ends: Int64) -> [ProblemCode] {
    CertificateRule.lifetime(
      "gateway", begins: Timestamp(milliseconds: now.milliseconds + begins * day), ends: Timestamp(milliseconds: now.milliseconds + ends * day), now: now
    ).map(\.code)
  }

  @Test func lifetimesAreToldInTime() {
    #expect(codes(-1, 31) == [] && codes(-1, 29) == [.certificateExpiring] && codes(-2, 0) == [.certificateExpired] && codes(1, 400) == [.certificateEarly])
  }

  @Test func daysLeftCanNotOverflow() {
    #expect(CertificateRule.daysLeft(Timestamp(milliseconds: .max), now: Timestamp(milliseconds: .min)) > 0)
    #expect(CertificateRule.daysLeft(Timestamp(milliseconds: .min), now: Timestamp(milliseconds: .max)) < 0)
  }
}

@Suite struct OutboxForecastTests {
  let now = Timestamp(milliseconds: 1_790_000_000_000)
  let hour: Int64 = 3_600_000

  func full(_ bytes: UInt64, over hours: Int64, free: UInt64, messages: Int = 10) -> Int? {
    OutboxForecast(
      messages: messages, bytes: bytes, oldest: Timestamp(milliseconds: now.milliseconds - hours * hour), now: now, freeBytes: free + DiskRule.full
    ).fullInHours
  }

  @Test func itGoesOnAsItDid() {
    #expect(full(1 << 20, over: 1, free: 48 << 20) == 48)
    #expect(full(1 << 20, over: 10, free: 1 << 20) == 10)
    #expect(full(1 << 20, over: 1, free: 0) == 0)
  }

  @Test func whatCanNotBeSaidIsNotSaid() {
    #expect(full(1 << 20, over: 0, free: 1 << 20) == nil && full(0, over: 1, free: 1) == nil && full(1, over: 1, free: 1 << 40) == nil)
    #expect(full(1 << 20, over: 1, free: 1 << 20, messages: 0) == nil && full(1 << 20, over: -5, free: 1 << 20) == nil)
    #expect(OutboxForecast(messages: 1, bytes: 1, oldest: Timestamp(milliseconds: .min), now: Timestamp(milliseconds: .max), freeBytes: 1).fullInHours == nil)
  }

  @Test func aPersonIsToldThreeDaysBefore() {
    let late = OutboxForecast(messages: 7, bytes: 1 << 20, oldest: Timestamp(milliseconds: now.milliseconds - hour), now: now, freeBytes: (71 << 20) + DiskRule.full)
    #expect(late.findings.map(\.code) == [.outboxFilling] && late.findings[0].evidence.contains("71 hours"))
    let early = OutboxForecast(messages: 7, bytes: 1 << 20, oldest: Timestamp(milliseconds: now.milliseconds - hour), now: now, freeBytes: (72 << 20) + DiskRule.full)
    #expect(early.findings.isEmpty)
  }
}
