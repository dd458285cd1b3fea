import ArgumentParser
import CPNSModel

/// `pne`: a PNE for any Linux machine.
@main
struct PNE: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pne", abstract: "Makes this machine a PNE: pairs with a PN gateway and receives what is delivered to it.",
    version: "pne \(Version.text)", subcommands: [RunCommand.self, VersionCommand.self])
}

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Shows the version.")

  func run() { Output.line("pne \(Version.text)") }
}
