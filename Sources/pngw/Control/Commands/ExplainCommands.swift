import AdminProtocol
import ArgumentParser
import CPNSModel

struct ExplainCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Why a device or a delivery is as it is.",
    discussion: "Tells the chain of causes with times: why a device is offline, why a content was not delivered, why this variant was chosen.")
  @OptionGroup var common: CommonOptions
  @Argument(help: "A device: its id, the beginning of it, or its exact name. Or a delivery: its id, or the beginning of it.") var what: String

  func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
    try show(try client.get(try target(client)), client, terminal) { (reply: ExplanationReply) in
      ExplanationScreen.lines(reply, paint: terminal.paint)
    }
  }

  /// A device of that name or id; else a delivery.
  private func target(_ client: AdminClient) throws(ControlFailure) -> Target {
    let list: PNEListReply = try client.decode(try client.get(Target("pnes")))
    do throws(PNEReference.Failure) { return Target("pnes", try PNEReference.resolve(what, in: list.pnes).entityID.urn, "explanation") } catch {
      if case .ambiguous = error { throw .failed(error.description) }
    }
    let deliveries: DeliveryListReply = try client.decode(try client.get(Target("deliveries", query: [("limit", "1000")])))
    let found = deliveries.deliveries.map(\.deliveryID).filter { $0.urn == what || PNEReference.isBeginning(what, of: $0.uuid) }
    guard let first = found.first else { throw .failed("there is no device and no delivery \"\(what)\"; see pngwctl pne list and pngwctl delivery list") }
    guard found.count == 1 else { throw .failed("\"\(what)\" may be \(found.count) deliveries; give more of the id") }
    return Target("deliveries", first.urn, "explanation")
  }
}

struct AuditCommand: ControlCommand {
  static let configuration = CommandConfiguration(commandName: "audit", abstract: "Who changed what: the newest first.")
  @OptionGroup var common: CommonOptions
  @Option(help: "Show at most so many, 0 to 2500.") var limit = 50

  func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
    try show(try client.get(Target("audit", query: [("limit", "\(limit)")])), client, terminal) { (reply: AuditReply) in AuditScreen.lines(reply) }
  }
}
