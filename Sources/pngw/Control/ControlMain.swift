import ArgumentParser
import CPNSModel

/// `pngwctl`: sees and steers a gateway over its admin socket.
///
/// Exit status: 0 done, 1 the gateway said no, it did not come about, or something is wrong with it, 2 and 64 wrong usage, 3 the gateway can't be reached.
enum ControlMain {
  static func run(arguments: [String]) async -> Int32 {
    let terminal = Terminal()
    do {
      var command = try ControlProgram.parseAsRoot(arguments)
      try command.run()
      return 0
    } catch let failure as ControlFailure {
      terminal.complain(failure.lines)
      return failure.status
    } catch {
      let status = ControlProgram.exitCode(for: error)
      let text = ControlProgram.fullMessage(for: error)
      if status.isSuccess { terminal.say(text) } else { terminal.explain(text) }
      return status.rawValue
    }
  }
}

struct ControlProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pngwctl", abstract: "See and steer a PN Gateway.", version: Version.text,
    subcommands: [
      StatusCommand.self, PNECommands.self, PairCommands.self, EnrolCommand.self, BrowseCommand.self, PushCommand.self, DeliveryCommands.self,
      WatchCommand.self, ExplainCommand.self, AuditCommand.self, ConfigCommands.self, DoctorCommand.self, BundleCommand.self, VersionCommand.self,
    ])
}

/// What every command takes.
struct CommonOptions: ParsableArguments {
  @Option(help: "The gateway's admin socket.")
  var socket = "/run/pngw/admin.sock"

  @Flag(help: "Print the gateway's answer as JSON, unchanged.")
  var json = false
}

protocol ControlCommand: ParsableCommand {
  var common: CommonOptions { get }
  func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure)
}

extension ControlCommand {
  func run() throws { try perform(AdminClient(socketPath: common.socket), Terminal()) }

  /// JSON for programs, or `lines` for people.
  func show<Reply: Decodable>(
    _ body: [UInt8], _ client: AdminClient, _ terminal: Terminal, _ lines: (Reply) -> [String]
  ) throws(ControlFailure) {
    if common.json { return terminal.give(body) }
    terminal.say(lines(try client.decode(body) as Reply))
  }
}
