extension Timestamp {
  /// The first moment of year 0 and the last of year 9999; times outside are shown as these.
  private static let writable: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

  /// `2026-03-01T09:30:00.250Z` (RFC 3339): UTC, always with three digits of milliseconds, so that texts sort as times do.
  package var iso8601: String {
    let time = min(max(milliseconds, Self.writable.lowerBound), Self.writable.upperBound)
    let day = (time - (time % 86_400_000 + 86_400_000) % 86_400_000) / 86_400_000
    let rest = time - day * 86_400_000
    let (year, month, date) = Self.civil(day)
    let clock = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { Self.digits($0, 2) }.joined(separator: ":")
    return "\(Self.digits(year, 4))-\(Self.digits(month, 2))-\(Self.digits(date, 2))T\(clock).\(Self.digits(rest % 1000, 3))Z"
  }

  /// - Returns: nil unless `text` is as ``iso8601`` writes it.
  package init?(iso8601 text: some StringProtocol) {
    let bytes = Array(text.utf8)
    let pattern = Array("0000-00-00T00:00:00.000Z".utf8)
    guard bytes.count == pattern.count else { return nil }
    for (byte, wanted) in zip(bytes, pattern) where wanted == 48 ? !(48...57).contains(byte) : byte != wanted { return nil }
    func number(_ range: Range<Int>) -> Int64 { bytes[range].reduce(0) { $0 * 10 + Int64($1 - 48) } }
    let day = Self.day(year: number(0..<4), month: number(5..<7), date: number(8..<10))
    let time = ((number(11..<13) * 60 + number(14..<16)) * 60 + number(17..<19)) * 1000 + number(20..<23)
    self.init(milliseconds: day * 86_400_000 + time)
    guard iso8601 == String(decoding: bytes, as: UTF8.self) else { return nil }  // 31 February, 25 o'clock
  }

  /// Days since 1970-01-01 → date in the Gregorian calendar. Years begin in March here, so that the leap day is the last.
  private static func civil(_ day: Int64) -> (year: Int64, month: Int64, date: Int64) {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }

  private static func day(year: Int64, month: Int64, date: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func digits(_ number: Int64, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
