import ArgumentParser
import CPNSModel
import Configuration
import ServerCore

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show what the server has in its database. Who is online, /v1/status of the API tells.")
  /// More are counted only.
  private static let mostGateways = 100

  @OptionGroup var configuration: ConfigurationOption

  func run() async throws {
    try await StartFailure.becomesExitStatus { () async throws(StartFailure) in
      let configured = try ConfigurationReader.server(at: configuration.path)
      let state = StateFolder(configured.state.directory)
      _ = try state.anchor()
      let isRunning = state.isInUse
      let lines = try await state.withStore { (store) async throws(ServerFailure) in
        do throws(ServerStoreError) { return try await Self.lines(of: store) } catch { throw .unavailable(error.words) }
      }
      say("cpnsd \(Version.text), \"\(configured.name)\", \(isRunning ? "running" : "not running")", to: 1)
      for line in lines { say(line, to: 1) }
    }
  }

  private static func lines(of store: any ServerStore) async throws(ServerStoreError) -> [String] {
    let gateways = try await store.gateways(ListPage(limit: mostGateways))
    let counts = try await store.counts()
    var lines = ["server      \(try await store.identity())"]
    for gateway in gateways.items { lines.append("gateway     \(gateway.id)  \(gateway.name)  enrolled \(gateway.enrolled.iso8601)") }
    if gateways.items.isEmpty { lines.append("gateway     none: `cpnsd claim new` here, `pngwctl enrol` there") }
    if gateways.next != nil { lines.append("            … and more") }
    lines.append("deliveries  \(counts.live) live, \(counts.delivered) delivered, \(counts.failed) failed")
    lines.append("usage       \(counts.usageRecords) records")
    return lines
  }
}

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Show the version.")
  func run() { say("cpnsd \(Version.text)", to: 1) }
}
