import AdminProtocol
import ArgumentParser
import CPNSModel

struct PairCommands: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pair", abstract: "Let one new device in.", subcommands: [Open.self, Cancel.self], defaultSubcommand: Open.self)

  struct Cancel: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "Close the pairing window.")
    @OptionGroup var common: CommonOptions

    func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
      try show(try client.delete(Target("pairing")), client, terminal) { (_: PairingReply) in ["pairing is closed"] }
    }
  }

  struct Open: ControlCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show a one-time code, and wait until a device has paired with it.",
      discussion: "Exit status 0: paired. 1: the window closed without. Opening a window closes the one before.")
    @OptionGroup var common: CommonOptions
    @Option(help: "How long the code is good, 10 to 3600; as the gateway is configured when left out.") var seconds: Int64?
    @Flag(help: "Show the code and end; the window stays open.") var noWait = false

    func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
      // Listening begins first, so that nothing is missed.
      if noWait {
        _ = try open(client, terminal)
        return
      }
      var events = try EventStream(client)
      let window = try open(client, terminal)
      try wait(for: window, &events, client, terminal)
    }

    private func open(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) -> PairingOpenedReply {
      let body = try client.post(Target("pairing"), PairingRequest(seconds: seconds))
      let window: PairingOpenedReply = try client.decode(body)
      if common.json { terminal.give(body) } else { terminal.say(screen(window, terminal)) }
      return window
    }

    private func screen(_ window: PairingOpenedReply, _ terminal: Terminal) -> [String] {
      let picture = QRCode.modules(window.uri).map { HalfBlocks.lines($0) } ?? []
      let left = Phrases.duration((window.expires.timestamp.milliseconds - terminal.now.milliseconds + 500) / 1000)
      return ["", "  Pairing code:  \(terminal.paint.bold(window.code))", ""] + picture.map { "  " + terminal.paint.whiteOnBlack($0) } + [
        "", "  Type it in on the device, or scan it. It is good for one device,",
        "  for \(left), until \(Terminal.clock(window.expires.timestamp)).",
      ]
    }

    private func wait(
      for window: PairingOpenedReply, _ events: inout EventStream, _ client: AdminClient, _ terminal: Terminal
    ) throws(ControlFailure) {
      if !common.json { terminal.say(["  Waiting; Ctrl-C ends that, and pngwctl pair cancel closes the window.", ""]) }
      while true {
        switch try events.next(within: 2000) {
        case .end: throw UnixSocket.stopped("the events have ended")
        case .silence: try checkThatItIsOpen(window, client, terminal)
        case .event(let line, let event):
          guard let isPaired = try verdict(event, window) else { continue }
          if common.json { terminal.give(line) } else if isPaired { terminal.say(terminal.paint.good(Printable.text(event.text))) }
          if !isPaired { throw .failed(event.text) }
          return
        }
      }
    }

    /// - Returns: nil while it goes on.
    private func verdict(_ event: EventReply, _ window: PairingOpenedReply) throws(ControlFailure) -> Bool? {
      switch event.kind {
      case "paired": return true
      case "pairing-closed": return false
      case "pairing-opened" where event.fields["expires"] != window.expires.timestamp.iso8601: throw .failed("another pairing window was opened in place of this one")
      default: return nil
      }
    }

    /// The event may have been lost.
    private func checkThatItIsOpen(_ window: PairingOpenedReply, _ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
      guard terminal.now.milliseconds > window.expires.timestamp.milliseconds + 2000 else { return }
      let now: PairingReply = try client.decode(try client.get(Target("pairing")))
      if !now.open || now.expires != window.expires { throw .failed("the pairing window has closed") }
    }
  }
}

struct EnrolCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "enrol", abstract: "Make this gateway belong to a CPNS Server.",
    discussion: "The server's `cpnsd claim new` prints the code; it is good once. HOST:PORT is the server's uplink, usually port 7420.")
  @OptionGroup var common: CommonOptions
  @Argument(help: "The claim code and the server: CODE@HOST:PORT") var claim: String

  func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
    guard let request = EnrolmentRequest(parsing: claim) else { throw .usage("expected CODE@HOST:PORT, as in ABCD…-EFGH…@server.example:7420") }
    try show(try client.post(Target("enrolment"), request), client, terminal) { (reply: EnrolmentReply) in
      ["enrolled with \(Printable.text(request.server))", "  PN      \(reply.pnID.urn)", "  server  \(reply.serverID.urn)"]
    }
  }
}
