import AdminProtocol
import ArgumentParser
import Configuration
import CPNSModel
import OpenSSLTLS

struct ConfigCommands: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "The gateway's configuration.", subcommands: [Check.self, Diff.self, Reload.self, Apply.self])

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Whether the configuration is right, with its drop-ins. Works without a gateway.")
    @Argument(help: "The configuration file.") var file = "/etc/pngw/pngw.toml"

    func run() throws {
      do throws(StartFailure) { _ = try ConfigurationReader.gateway(at: file) } catch { throw ControlFailure.failed(error.description) }
      let count = (try? ConfigurationReader.dropIns(of: file).count) ?? 0
      Terminal().say("\(file)\(count > 0 ? " with \(count) drop-in\(count == 1 ? "" : "s")" : "") is right")
    }
  }

  struct Diff: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "What the files say differently from what holds, and what makes it hold.")
    @OptionGroup var common: CommonOptions

    func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
      try show(try client.get(Target("configuration")), client, terminal) { (reply: ConfigurationReply) in ConfigScreen.lines(reply) }
    }
  }

  struct Reload: ControlCommand {
    static let configuration = CommandConfiguration(abstract: "Read the files again.")
    @OptionGroup var common: CommonOptions

    func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
      try show(try client.post(Target("configuration", "reload"), ReloadRequest()), client, terminal) { (reply: ConfigurationReply) in
        reply.changes.isEmpty ? ["what the files say holds"] : ConfigScreen.lines(reply)
      }
    }
  }

  struct Apply: ControlCommand {
    static let configuration = CommandConfiguration(
      abstract: "Put a file in the configuration's place and read it; put back what was when the uplink does not come back.",
      discussion: """
        What was is kept as FILE.before beside the configuration until the next time. If this program ends before the trial does, the gateway \
        itself goes back to the values of before.
        """)
    @OptionGroup var common: CommonOptions
    @Option(help: "How long the uplink may take to come back, in seconds, 1 to 60.") var seconds: Int64 = 30
    @Argument(help: "The new configuration file.") var file: String

    /// The answer comes when the trial is over, and no client waits longer.
    private static let bounds: ClosedRange<Int64> = 1...60

    func perform(_ client: AdminClient, _ terminal: Terminal) throws(ControlFailure) {
      guard Self.bounds.contains(seconds) else { throw .usage("--seconds: expected 1 to 60") }
      let now: ConfigurationReply = try client.decode(try client.get(Target("configuration")))
      let place = ConfigurationPlace(now.file)
      let before = try place.replace(with: file)
      do throws(ControlFailure) {
        let body = try client.post(Target("configuration", "reload"), ReloadRequest(trialSeconds: seconds))
        let reply: ConfigurationReply = try client.decode(body)
        guard reply.trial != .reverted else { throw .failed("the uplink did not come back within \(seconds) s: all is as before") }
        if common.json { return terminal.give(body) }
        terminal.say(["\(file) is now \(now.file)"] + (reply.changes.isEmpty ? [] : ConfigScreen.lines(reply)))
      } catch {
        try place.restore(before)
        // The gateway holds the old values already, or takes them at its next start.
        _ = try? client.post(Target("configuration", "reload"), ReloadRequest())
        throw error
      }
    }
  }
}

/// The configuration file as something that is replaced and put back.
private struct ConfigurationPlace {
  let path: String
  init(_ path: String) { self.path = path }

  /// Checks `file` with the drop-ins that are there, keeps what was, and puts it in place.
  /// - Returns: what was.
  func replace(with file: String) throws(ControlFailure) -> [UInt8] {
    do throws(StartFailure) {
      var sources = [ConfigurationSource(text: try ConfigurationReader.read(file), file: file)]
      for dropIn in try ConfigurationReader.dropIns(of: path) { sources.append(ConfigurationSource(text: try ConfigurationReader.read(dropIn), file: dropIn)) }
      do { _ = try GatewayConfiguration(parsing: sources) } catch { throw .configuration("\(error)") }
      let before = Array(try ConfigurationReader.read(path).utf8)
      try write(before, to: path + ".before")
      try write(Array(sources[0].text.utf8), to: path)
      return before
    } catch { throw .failed(error.description) }
  }

  func restore(_ before: [UInt8]) throws(ControlFailure) {
    do throws(StartFailure) { try write(before, to: path) } catch { throw .failed("\(error); what was is in \(path).before") }
  }

  /// As readable as it was: the daemon's user reads it by its group.
  private func write(_ bytes: [UInt8], to file: String) throws(StartFailure) {
    do throws(TLSError) { try DurableFile.replace(bytes, in: file, like: path) } catch { throw .unavailable(error.description) }
  }
}
