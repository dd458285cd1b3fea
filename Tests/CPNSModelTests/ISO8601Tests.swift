import CPNSModel
import Foundation
import Testing

@Suite struct ISO8601Tests {
  @Test func timesAreWrittenInUTCWithMilliseconds() {
    #expect(Timestamp(milliseconds: 0).iso8601 == "1970-01-01T00:00:00.000Z")
    #expect(Timestamp(milliseconds: 1_790_000_000_123).iso8601 == "2026-09-21T14:13:20.123Z")
    #expect(Timestamp(milliseconds: -1).iso8601 == "1969-12-31T23:59:59.999Z")
    #expect(Timestamp(milliseconds: 951_782_400_000).iso8601 == "2000-02-29T00:00:00.000Z")
  }

  @Test func timesOutsideOfTheCalendarAreShownAsItsEnds() {
    #expect(Timestamp(milliseconds: .max).iso8601 == "9999-12-31T23:59:59.999Z")
    #expect(Timestamp(milliseconds: .min).iso8601 == "0000-01-01T00:00:00.000Z")
  }

  @Test func whatIsWrittenCanBeRead() {
    let formatter = ISO8601DateFormatter()
    for milliseconds in stride(from: Int64(-70_000_000_000_000), through: 250_000_000_000_000, by: 86_399_999 * 1009) where milliseconds > -62_000_000_000_000 {
      let time = Timestamp(milliseconds: milliseconds)
      #expect(Timestamp(iso8601: time.iso8601) == time)
      if milliseconds > 0 {
        #expect(time.iso8601.prefix(19) + "Z" == formatter.string(from: Date(timeIntervalSince1970: Double(milliseconds / 1000))))
      }
    }
  }

  @Test(arguments: [
    "", "2026-02-31T00:00:00.000Z", "2026-01-01T25:00:00.000Z", "2026-01-01T00:00:00Z", "2026-01-01 00:00:00.000Z", "2026-13-01T00:00:00.000Z",
    "-026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000+", "２026-01-01T00:00:00.000Z",
  ])
  func anythingElseIsNoTime(_ text: String) { #expect(Timestamp(iso8601: text) == nil) }
}
