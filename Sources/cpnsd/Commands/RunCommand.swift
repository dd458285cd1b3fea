import ArgumentParser
import Configuration
import Logging

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "run", abstract: "Run the server in the foreground, its log on standard error.")

  @OptionGroup var configuration: ConfigurationOption

  @Flag(help: "Only check the configuration file: exit status 0 when it is right, 78 with what is wrong when it is not.")
  var check = false

  func run() async throws {
    try await StartFailure.becomesExitStatus { () async throws(StartFailure) in
      let configuration = try ConfigurationReader.server(at: configuration.path)
      if check { return }
      let logger = logger(configuration.log.level)
      try await Daemon.prepare(configuration, logger).run()
    }
  }

  private func logger(_ level: LogLevel) -> Logger {
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    var logger = Logger(label: "cpnsd")
    logger.logLevel = Logger.Level(rawValue: level.rawValue) ?? .info
    return logger
  }
}
