import ArgumentParser
import CPNSModel
import Configuration
import Glibc
import Logging

/// `pngwd`: reads its configuration, runs the gateway, and says with its exit status how that ended.
enum DaemonMain {
  /// sysexits(3): the service manager does not start us again for these, a person must.
  private static let badConfiguration: Int32 = 78
  private static let failed: Int32 = 1

  static func run(arguments: [String]) async -> Int32 {
    let wanted: DaemonArguments
    do { wanted = try DaemonArguments.parse(arguments) } catch {
      let status = DaemonArguments.exitCode(for: error)
      say(DaemonArguments.fullMessage(for: error), to: status == .success ? 1 : 2)
      return status.rawValue
    }
    do throws(StartFailure) {
      let configuration = try ConfigurationReader.gateway(at: wanted.config)
      if wanted.check { return 0 }
      let threshold = LogThreshold(Logger.Level(rawValue: configuration.log.level.rawValue) ?? .info)
      LoggingSystem.bootstrap { LeveledLog(label: $0, threshold: threshold) }
      try await Daemon.prepare(configuration, path: wanted.config, threshold, Logger(label: "pngwd")).run()
      return 0
    } catch {
      say("pngwd: \(error)", to: 2)
      return error.isForAPerson ? badConfiguration : failed
    }
  }

  private static func say(_ text: String, to descriptor: CInt) {
    let line = Array((text + "\n").utf8)
    _ = write(descriptor, line, line.count)
  }
}

struct DaemonArguments: ParsableArguments {
  static let configuration = CommandConfiguration(commandName: "pngwd")

  @Option(name: [.short, .long], help: "The configuration file, pngw.toml(5).")
  var config = "/etc/pngw/pngw.toml"

  @Flag(help: "Only check the configuration file: exit status 0 when it is right, 78 with what is wrong when it is not.")
  var check = false
}

/// Why the gateway did not start, or ended by itself.
enum StartFailure: Error, CustomStringConvertible {
  /// A file or a setting is wrong.
  case configuration(String)
  /// Something that another try may find.
  case unavailable(String)

  var isForAPerson: Bool { if case .configuration = self { true } else { false } }

  var description: String {
    switch self {
    case .configuration(let text), .unavailable(let text): text
    }
  }
}
