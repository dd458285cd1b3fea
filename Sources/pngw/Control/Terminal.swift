import AdminProtocol
import CPNSModel
import FoundationEssentials
import Glibc

/// Where people read.
struct Terminal {
  /// Colours only for people, and not for those who do not want them (no-color.org).
  let paint: Paint
  private let showsProgress: Bool

  init() {
    let term = getenv("TERM").map { String(cString: $0) } ?? ""
    paint = Paint(isOn: isatty(1) == 1 && getenv("NO_COLOR") == nil && !term.isEmpty && term != "dumb")
    showsProgress = isatty(2) == 1
  }

  func say(_ lines: [String]) { Self.write(1, lines.map { $0 + "\n" }.joined()) }
  func say(_ line: String) { say([line]) }

  /// JSON as the gateway gave it.
  func give(_ body: [UInt8]) { Self.write(1, String(decoding: body, as: UTF8.self) + (body.last == 10 ? "" : "\n")) }

  /// What went wrong first, then what would help.
  func complain(_ lines: [String]) {
    let text = lines.enumerated().flatMap { number, line in
      Printable.wrapped((number == 0 ? "pngwctl: " : "") + Printable.text(line), to: TextTable.columns - 2).enumerated().map { part, piece in
        number == 0 && part == 0 ? piece : "  " + piece
      }
    }
    Self.write(2, text.map { $0 + "\n" }.joined())
  }

  /// Help and usage, as they are.
  func explain(_ text: String) { Self.write(2, text + "\n") }

  /// One line that is written over; nothing when nobody looks.
  func progress(_ text: String) {
    if showsProgress { Self.write(2, "\r\u{1B}[K" + Printable.cut(Printable.text(text), to: TextTable.columns - 1)) }
  }
  func progressEnded() { if showsProgress { Self.write(2, "\r\u{1B}[K") } }

  var now: Timestamp { Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))) }

  /// `14:05:09`, where this machine is.
  static func clock(_ time: Timestamp) -> String {
    var seconds = time_t(time.milliseconds / 1000)
    var parts = tm()
    localtime_r(&seconds, &parts)
    return [parts.tm_hour, parts.tm_min, parts.tm_sec].map { ($0 < 10 ? "0" : "") + "\($0)" }.joined(separator: ":")
  }

  private static func write(_ descriptor: CInt, _ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
