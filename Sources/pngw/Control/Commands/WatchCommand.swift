import AdminProtocol
import ArgumentParser

struct WatchCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Show what happens, as it happens.", discussion: "Ctrl-C ends it. With --json: one JSON object a line.")
  @OptionGroup var common: CommonOptions

  func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
    var events = try EventStream(client)
    var last: UInt64?
    while true {
      switch try events.next() {
      case .silence: continue
      case .end: throw UnixSocket.stopped("the events have ended")
      case .event(let line, let event):
        if common.json {
          terminal.give(line)
        } else {
          if let last, event.sequence > last + 1 { terminal.say(terminal.paint.faint("… \(event.sequence - last - 1) events were too fast")) }
          terminal.say(lines(event, terminal.paint))
        }
        last = event.sequence
      }
    }
  }

  private func lines(_ event: EventReply, _ paint: Paint) -> [String] {
    let kind = Printable.cut(Printable.text(event.kind), to: 18)
    let head = Terminal.clock(event.at.timestamp) + "  " + kind + String(repeating: " ", count: 20 - Printable.width(kind))
    return Printable.wrapped(Printable.text(event.text), to: TextTable.columns - 30).enumerated().map { index, line in
      index == 0 ? paint.faint(head) + line : String(repeating: " ", count: 30) + line
    }
  }
}
