import AdminProtocol
import ArgumentParser
import CPNSModel

struct StatusCommand: ControlCommand {
  static let configuration = CommandConfiguration(commandName: "status", abstract: "How the gateway is, with its warnings.")
  @OptionGroup var common: CommonOptions

  func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
    try show(try client.get(Target("status")), client, terminal) { (status: StatusReply) in StatusScreen.lines(status, paint: terminal.paint) }
  }
}

struct VersionCommand: ControlCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "The versions of pngwctl and of the gateway.")
  @OptionGroup var common: CommonOptions

  func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
    if !common.json { terminal.say("pngwctl \(Version.text)") }
    try show(try client.get(Target("version")), client, terminal) { (reply: VersionReply) in
      ["\(Printable.text(reply.software)), admin API \(reply.api), \(Printable.cut(Printable.text(reply.name), to: 40))"]
    }
  }
}

struct PNECommands: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pne", abstract: "The devices of the Personal Network.", subcommands: [List.self, Show.self, Remove.self])

  struct List: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "All devices.")
    @OptionGroup var common: CommonOptions

    func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
      try show(try client.get(Target("pnes")), client, terminal) { (reply: PNEListReply) in PNEScreens.list(reply.pnes, now: terminal.now) }
    }
  }

  struct Show: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "One device.")
    @OptionGroup var common: CommonOptions
    @Argument(help: "Its id, the beginning of it, or its exact name.") var pne: String

    func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
      let id = try client.pne(pne).entityID.urn
      try show(try client.get(Target("pnes", id)), client, terminal) { (reply: PNEReply) in
        PNEScreens.show(reply, now: terminal.now, paint: terminal.paint)
      }
    }
  }

  struct Remove: ControlCommand {
    static let configuration = CommandConfiguration(
      abstract: "Remove a device for good.",
      discussion: "Its key is forgotten: a PNE must pair again. A UPnP device is removed while it is offline, and comes back with its next announcement.")
    @OptionGroup var common: CommonOptions
    @Argument(help: "Its id, the beginning of it, or its exact name.") var pne: String

    func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
      let id = try client.pne(pne).entityID.urn
      try show(try client.delete(Target("pnes", id)), client, terminal) { (reply: RemovalReply) in
        ["\(Printable.cut(Printable.text(reply.name), to: 60)) is removed"]
      }
    }
  }
}

struct BrowseCommand: ControlCommand {
  static let configuration = CommandConfiguration(commandName: "browse", abstract: "What a media server has.")
  @OptionGroup var common: CommonOptions
  @Option(help: "Leave out so many.") var start = 0
  @Option(help: "Show at most so many, 1 to 100.") var count = 50
  @Argument(help: "The media server: its id, the beginning of it, or its exact name.") var pne: String
  @Argument(help: "The id of a container; 0 is the root.") var container = "0"

  func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
    let id = try client.pne(pne).entityID.urn
    let target = Target("pnes", id, "objects", query: [("container", container), ("start", "\(start)"), ("count", "\(count)")])
    try show(try client.get(target), client, terminal) { (reply: ObjectsReply) in ObjectScreen.lines(reply) }
  }
}

struct DeliveryCommands: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delivery", abstract: "Contents on their way, and how they ended.", subcommands: [List.self, Show.self])

  struct List: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "Those under way, then the newest that have ended.")
    @OptionGroup var common: CommonOptions
    @Option(help: "Show at most so many that have ended, 0 to 1000.") var limit = 20

    func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
      try show(try client.get(Target("deliveries", query: [("limit", "\(limit)")])), client, terminal) { (reply: DeliveryListReply) in
        DeliveryScreens.list(reply.deliveries, now: terminal.now)
      }
    }
  }

  struct Show: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "One delivery.")
    @OptionGroup var common: CommonOptions
    @Argument(help: "Its id, or the beginning of it.") var delivery: String

    func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
      let id = if let whole = DeliveryID(urn: delivery) { whole } else { try resolve(client) }
      try show(try client.get(Target("deliveries", id.urn)), client, terminal) { (reply: DeliveryReply) in
        DeliveryScreens.show(reply, now: terminal.now, paint: terminal.paint)
      }
    }

    private func resolve(_ client: AdminClient) throws(ControlFailure) -> DeliveryID {
      let reply: DeliveryListReply = try client.decode(try client.get(Target("deliveries", query: [("limit", "1000")])))
      let found = reply.deliveries.map(\.deliveryID).filter { PNEReference.isBeginning(delivery, of: $0.uuid) }
      guard let first = found.first else { throw .failed("there is no delivery \"\(delivery)\"; pngwctl delivery list shows what there is") }
      guard found.count == 1 else { throw .failed("\"\(delivery)\" may be \(found.count) deliveries; give more of the id") }
      return first
    }
  }
}
