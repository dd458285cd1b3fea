import ArgumentParser
import AvahiBearer
import CPNSModel
import CPNSProcedures
import ElementCore
import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import ServiceManager

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs in the foreground until SIGTERM or SIGINT, and says in plain lines what happens.")

  @Option(help: ArgumentHelp("Where the key and the state are kept; made when it is not there.", valueName: "directory"))
  var state: String

  @Option(help: "What the gateway's people see: 1 to 64 characters.")
  var name: String

  @Option(help: ArgumentHelp("The code that `pngwctl pair` shows. Needed the first time only.", valueName: "code"))
  var pair: String?

  @Option(help: ArgumentHelp("Where the gateway is; without this it is looked for by mDNS.", valueName: "host:port"))
  var gateway: String?

  @Option(help: ArgumentHelp("Media types that are taken, with commas between: image/png,video/*", valueName: "types"))
  var accept = "*/*"

  @Option(name: .customLong("device-type"), help: "What this device is, in a word.")
  var deviceType = "computer"

  @Option(help: ArgumentHelp("Where received contents go. Default: inbox in the state directory.", valueName: "directory"))
  var inbox: String?

  @Flag(help: "Say how the others of the Personal Network are, and each time that it changes.")
  var watch = false

  @Option(name: .customLong("log-level"), help: "Of the log on standard error: trace, debug, info, notice, warning, error, critical.")
  var logLevel = "notice"

  func validate() throws {
    guard (1...64).contains(name.count), !Output.hasControls(name) else { throw ValidationError("--name: expected 1 to 64 printable characters") }
    guard (1...64).contains(deviceType.count), !Output.hasControls(deviceType) else {
      throw ValidationError("--device-type: expected 1 to 64 printable characters")
    }
    guard Logger.Level(rawValue: logLevel) != nil else {
      throw ValidationError("--log-level: expected one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    if let gateway, !Gateways.isAddress(gateway) { throw ValidationError("--gateway: expected HOST:PORT, IPv6 literals in brackets") }
    _ = try mediaTypes()
    _ = try pairingCode()
  }

  func run() async throws {
    let level = Logger.Level(rawValue: logLevel) ?? .notice
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    do {
      try await serve(Logger(label: "pne"))
    } catch let failure as PNEFailure {
      Output.complaint("pne: \(failure.words)")
      throw ExitCode(failure.status)
    }
  }

  // MARK: Options

  /// Media types that are told at most, each with at most 127 characters: they go along with each usage report.
  private static let maximumTypes = 64

  private func mediaTypes() throws -> [String] {
    let types = accept.split(separator: ",").map { $0.trimmed.lowercased() }
    let isGood = types.allSatisfy { type in
      type.count <= 127 && type.split(separator: "/", omittingEmptySubsequences: false).count == 2 && !type.contains(" ") && !Output.hasControls(type)
    }
    guard isGood, (1...Self.maximumTypes).contains(types.count) else {
      throw ValidationError("--accept: expected 1 to \(Self.maximumTypes) media types such as image/png or video/*, with commas between")
    }
    return types
  }

  private func pairingCode() throws -> PairingCode? {
    guard let pair else { return nil }
    do { return try PairingCode(parsing: pair) } catch { throw ValidationError("--pair: \(error.description)") }
  }

  // MARK: Wiring

  private func serve(_ logger: Logger) async throws {
    let files = try StateFolder(state)
    let sightings = Sightings()
    if let gateway { sightings.set([GatewaySighting(id: nil, name: "gateway", addresses: [gateway])]) }
    let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let clock = WallClock { Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))) }
    let ports = ElementPorts(
      store: files, inbox: InboxFolder(inbox ?? state + "/inbox"), finder: sightings, connector: Gateways(threads: threads, clock: clock),
      secrets: Secrets(), clock: clock)
    let capabilities = DeviceCapabilities(
      deviceType: deviceType, software: "pne \(Version.text)", accepts: try mediaTypes(), bearers: ["wifi"])
    let settings = ElementSettings(name: name, capabilities: capabilities, pairingCode: try pairingCode(), watchesNetwork: watch)
    let element: Element
    do { element = try await Element.prepare(settings: settings, ports: ports, logger: logger) } catch { throw PNEFailure(error) }
    let failure = await live(element, sightings, logger)
    // After the links: nothing runs on the threads any more.
    try await threads.shutdownGracefully()
    if let failure { throw failure }
  }

  /// Until a signal comes, or the element can't go on.
  private func live(_ element: Element, _ sightings: Sightings, _ logger: Logger) async -> PNEFailure? {
    await withTaskGroup(of: PNEFailure?.self) { group in
      group.addTask {
        await Termination.wait()
        return nil
      }
      group.addTask {
        do throws(ElementError) { try await element.run() } catch { return PNEFailure(error) }
        return nil
      }
      let first = await withTaskGroup(of: Void.self) { helpers in
        helpers.addTask { for await event in element.events { Output.line(event.line) } }
        if gateway == nil {
          helpers.addTask { await AvahiBrowser(logger: logger).browse { sightings.set($0.compactMap(GatewaySighting.init)) } }
        }
        let first = await group.next() ?? nil
        helpers.cancelAll()
        return first
      }
      group.cancelAll()
      return first
    }
  }
}

extension StringProtocol {
  var trimmed: String {
    let end = lastIndex { $0 != " " }.map(index(after:)) ?? startIndex
    return String(self[..<end].drop { $0 == " " })
  }
}
