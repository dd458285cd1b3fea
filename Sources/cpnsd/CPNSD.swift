import ArgumentParser

/// The CPNS Server as a program: `cpnsd(8)`.
@main struct CPNSD: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cpnsd", abstract: "A CPNS Server.", subcommands: [RunCommand.self, ClaimCommand.self, StatusCommand.self, VersionCommand.self])
}

/// What each command that needs the configuration is told.
struct ConfigurationOption: ParsableArguments {
  @Option(name: [.short, .customLong("config")], help: "The configuration file, cpnsd.toml(5).")
  var path = "/etc/cpnsd/cpnsd.toml"
}
