import AdminProtocol
import ArgumentParser
import CPNSModel

struct PushCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "push", abstract: "Send a file, or an object of a media server, to a device.",
    discussion: "Exit status 0: delivered (with --no-wait: accepted). 1: refused, or not delivered.")
  @OptionGroup var common: CommonOptions
  @Option(help: "The file's media type; guessed from its name when left out.") var type: String?
  @Option(help: "A media server: the first argument is the id of an object of it, as pngwctl browse shows.") var from: String?
  @Flag(help: "Do not wait for the end.") var noWait = false
  @Argument(help: "A file; with --from: an object's id.") var what: String
  @Argument(help: "The device: its id, the beginning of it, or its exact name.") var pne: String

  func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
    let consumer = try client.pne(pne)
    let source: DeliveryRequest.Source
    if let from {
      guard type == nil else { throw .usage("--type is for a file; an object of a media server has its own") }
      source = .object(what, of: try client.pne(from).entityID)
    } else {
      source = .staged(try upload(client, terminal))
    }
    let request = DeliveryRequest(consumer: consumer.entityID, source: source)
    if noWait {
      return try show(try client.post(Target("deliveries"), request), client, terminal) { (reply: DeliveryReply) in
        [DeliveryScreens.outcome(reply), "  pngwctl delivery show \(reply.deliveryID.urn) shows how it goes"]
      }
    }
    // Listening begins before, so that nothing is missed.
    var events = try EventStream(client)
    let accepted: DeliveryReply = try client.decode(try client.post(Target("deliveries"), request))
    try wait(for: accepted, &events, client, terminal)
  }

  private func upload(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) -> ContentID {
    let upload = Upload(path: what, mediaType: try mediaType())
    defer { terminal.progressEnded() }
    let body = try upload.send(to: client) { sent, size in
      terminal.progress("sending \(upload.name): \(Phrases.size(sent)) of \(Phrases.size(size))")
    }
    let content: ContentReply = try client.decode(body)
    return content.contentID
  }

  private func mediaType() throws(ControlFailure) -> String {
    guard let type else { return MediaTypeTable.type(of: what) }
    guard type.utf8.allSatisfy({ $0 > 32 && $0 < 127 }), type.contains("/") else { throw .usage("--type: expected type/subtype, as video/mp4") }
    return type
  }

  // MARK: Waiting

  private func wait(
    for accepted: DeliveryReply, _ events: inout EventStream, _ client: AdminClient, _ terminal: Terminal
  ) throws(ControlFailure) {
    let id = accepted.deliveryID.urn
    terminal.progress("\(accepted.content.name): waiting for \(accepted.consumerName ?? id)")
    defer { terminal.progressEnded() }
    while true {
      switch try events.next(within: 2000) {
      case .end: throw UnixSocket.stopped("the delivery goes on when it is started again")
      case .event(_, let event):
        guard event.fields["delivery"] == id else { continue }
        if event.kind != "delivery-ended" {
          terminal.progress(progress(event))
          continue
        }
      case .silence: break  // the event may have been lost
      }
      if try hasEnded(id, client, terminal) { return }
    }
  }

  private func progress(_ event: EventReply) -> String {
    guard let bytes = event.fields["bytes"].flatMap({ UInt64($0) }) else { return event.text }
    let size = event.fields["size"].flatMap { UInt64($0) }
    return "\(event.fields["content"] ?? ""): \(Phrases.size(bytes))\(size.map { " of \(Phrases.size($0))" } ?? "")"
  }

  private func hasEnded(_ id: String, _ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) -> Bool {
    let body = try client.get(Target("deliveries", id))
    let delivery: DeliveryReply = try client.decode(body)
    guard delivery.state.isFinal else { return false }
    terminal.progressEnded()
    if common.json { terminal.give(body) }
    if delivery.state == .failed { throw .failed(DeliveryScreens.outcome(delivery)) }
    if !common.json { terminal.say(terminal.paint.good(DeliveryScreens.outcome(delivery))) }
    return true
  }
}
