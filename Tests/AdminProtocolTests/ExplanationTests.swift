import AdminProtocol
import CPNSModel
import Testing

@Suite struct ExplanationScreenTests {
  let time = UTCTime(Timestamp(milliseconds: 1_790_000_000_123))
  let long = String(repeating: "long words ", count: 30)

  func narrow(_ lines: [String], _ location: SourceLocation = #_sourceLocation) {
    #expect(!lines.isEmpty, sourceLocation: location)
    for line in lines { #expect(Printable.width(line) <= 80, "\(line)", sourceLocation: location) }
  }

  @Test func anExplanationFitsTheTerminalAndHasItsTimes() {
    let reply = ExplanationReply(
      subject: "urn", name: long, state: long, because: [.init(at: nil, text: "nobody looks"), .init(at: time, text: long)], nextStep: long, rememberedSince: time)
    let lines = ExplanationScreen.lines(reply, paint: .none)
    narrow(lines)
    #expect(lines.contains { $0.hasPrefix("  now ") && $0.hasSuffix("nobody looks") } && lines.contains { $0.hasPrefix("  2026-09-21 14:13:20  long") })
    #expect(lines.contains { $0.hasPrefix("next step: long") })
  }

  @Test func theAuditLogFitsTheTerminal() {
    narrow(AuditScreen.lines(AuditReply(entries: [AuditEntry(at: time, operation: "removePNE", subject: long, user: .max, process: .max, outcome: "unavailable")])))
    narrow(AuditScreen.lines(AuditReply(entries: [])))
  }

  @Test func aTextFromADeviceCanNotDriveTheTerminal() {
    let reply = ExplanationReply(subject: "", name: "", state: "\u{1B}[2J", because: [.init(at: time, text: "\u{202E}x")], nextStep: "\u{7}", rememberedSince: time)
    for line in ExplanationScreen.lines(reply, paint: .none) { #expect(!line.unicodeScalars.contains { $0.value < 32 || $0.value == 0x202E }) }
  }
}
