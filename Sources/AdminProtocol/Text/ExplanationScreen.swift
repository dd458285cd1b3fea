import CPNSModel

/// `pngwctl explain`
package enum ExplanationScreen {
  /// `2026-03-01 09:30:00`
  private static let timeWidth = 21

  package static func lines(_ reply: ExplanationReply, paint: Paint) -> [String] {
    let head = Printable.wrapped(Printable.text(reply.state), to: TextTable.columns)
    let causes = reply.because.flatMap { cause in
      let time = cause.at.map(when) ?? "now"
      return Printable.wrapped(Printable.text(cause.text), to: TextTable.columns - timeWidth - 2).enumerated().map { index, line in
        index == 0 ? "  " + paint.faint(time) + String(repeating: " ", count: timeWidth - time.count) + line : String(repeating: " ", count: timeWidth + 2) + line
      }
    }
    let next = reply.nextStep.map { Printable.wrapped("next step: " + Printable.text($0), to: TextTable.columns) } ?? []
    return head.map(paint.bold) + causes + (next.isEmpty ? [] : [""] + next)
  }

  private static func when(_ time: UTCTime) -> String {
    let text = time.timestamp.iso8601
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8))"
  }
}

/// `pngwctl audit`
package enum AuditScreen {
  package static func lines(_ reply: AuditReply) -> [String] {
    if reply.entries.isEmpty { return ["nothing was changed yet"] }
    var table = TextTable(["WHEN (UTC)", "USER", "PROCESS", "OPERATION", "OUTCOME", "SUBJECT"], kept: [0])
    for entry in reply.entries {
      let time = entry.at.timestamp.iso8601
      table.add(["\(time.prefix(10)) \(time.dropFirst(11).prefix(8))", "\(entry.user)", "\(entry.process)", entry.operation, entry.outcome, entry.subject])
    }
    return table.lines
  }
}
