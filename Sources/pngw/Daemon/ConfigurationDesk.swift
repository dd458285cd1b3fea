import AdminProtocol
import Configuration
import GatewayCore
import Logging

/// The configuration that holds, and how it changes while the gateway runs.
///
///     running ──reload, the files are right──▶ their live keys hold ──on trial──▶ the uplink stands in time ──▶ kept
///        ▲ └─────────── wrong: as before, told ────────▶ │                └─────────▶ it does not ──▶ reverted, told
///        └───────────────────────────────────────────────┘
///
/// Keys that want a restart are told, and change nothing.
actor ConfigurationDesk {
  private let path: String
  private let gateway: Gateway
  private let places: CredentialPlaces
  private let threshold: LogThreshold
  private let logger: Logger
  private var running: GatewayConfiguration
  private var trial: ConfigurationReply.Trial?
  private var isBusy = false

  init(path: String, running: GatewayConfiguration, gateway: Gateway, places: CredentialPlaces, threshold: LogThreshold, logger: Logger) {
    self.path = path
    self.running = running
    self.gateway = gateway
    self.places = places
    self.threshold = threshold
    self.logger = logger
  }

  /// What the files say differently now.
  func show() -> ConfigurationReply {
    do throws(StartFailure) {
      return reply(try ConfigurationReader.gateway(at: path))
    } catch {
      return ConfigurationReply(file: path, changes: [], problem: error.description, trial: trial)
    }
  }

  /// Reads the files, and lets their live keys hold.
  /// - Parameter trialSeconds: the uplink has to stand again within it, if it stood before.
  func reload(trialSeconds: Int64? = nil) async throws(AdminFailure) -> ConfigurationReply {
    if let trialSeconds, !ReloadRequest.bounds.contains(trialSeconds) {
      throw AdminFailure(
        .badRequest, "a trial of \(trialSeconds) s is not possible",
        remedy: "give \(ReloadRequest.bounds.lowerBound) to \(ReloadRequest.bounds.upperBound) seconds")
    }
    guard !isBusy else { throw AdminFailure(.conflict, "a change of the configuration is on trial", remedy: "wait for its end (pngwctl config diff)") }
    isBusy = true
    defer { isBusy = false }
    trial = nil
    let wanted: GatewayConfiguration
    do throws(StartFailure) { wanted = try ConfigurationReader.gateway(at: path) } catch { throw refused(error) }
    gateway.health.clear(.configurationRefused)
    gateway.health.clear(.configurationReverted)
    try await change(to: running.taking(liveValuesOf: wanted), trialSeconds)
    tellOfRestart(wanted)
    return reply(wanted)
  }

  private func change(to next: GatewayConfiguration, _ trialSeconds: Int64?) async throws(AdminFailure) {
    let before = running
    let changed = before.changes(to: next).map(\.path)
    guard !changed.isEmpty else { return }
    let stood = gateway.uplink.isConnected
    let cuts = await hold(next, instead: before)
    logger.notice("configuration changed", metadata: ["keys": "\(changed.joined(separator: " "))"])
    gateway.journal.tell(.configurationChanged, "the configuration was read again: \(changed.joined(separator: ", "))", ["keys": changed.joined(separator: " ")])
    guard let trialSeconds, stood, cuts else { return }
    trial = .running
    if await gateway.uplink.stands(within: .seconds(trialSeconds)) { return trial = .kept }
    _ = await hold(before, instead: next)
    trial = .reverted
    let why = "the uplink did not come back within \(trialSeconds) s"
    logger.error("configuration reverted", metadata: ["keys": "\(changed.joined(separator: " "))", "why": "\(why)"])
    gateway.health.raise(HealthWarning(
      .configurationReverted, .warning, cause: "\(why), so these hold as before: \(changed.joined(separator: ", "))",
      nextStep: "put the files right (pngwctl config diff), then `pngwctl config reload`"))
  }

  /// - Returns: whether the uplink was cut for it.
  private func hold(_ next: GatewayConfiguration, instead before: GatewayConfiguration) async -> Bool {
    running = next
    threshold.now = Logger.Level(rawValue: next.log.level.rawValue) ?? .info
    guard next.uplink != before.uplink else { return false }
    places.now = CredentialFiles(next)
    await gateway.uplink.reconfigure(UplinkService.Settings(next.uplink))
    return true
  }

  // MARK: Telling people

  private func refused(_ error: StartFailure) -> AdminFailure {
    logger.error("configuration refused", metadata: ["why": "\(error)"])
    gateway.health.raise(HealthWarning(
      .configurationRefused, .warning, cause: "the configuration was not read again: \(error)", nextStep: "put the file right, then `pngwctl config reload`"))
    return AdminFailure(.badRequest, error.description, remedy: "put the file right; until then all is as before")
  }

  private func tellOfRestart(_ wanted: GatewayConfiguration) {
    let keys = running.changes(to: wanted).filter { !$0.isLive }.map(\.path)
    guard !keys.isEmpty else { return gateway.health.clear(.restartNeeded) }
    gateway.health.raise(HealthWarning(
      .restartNeeded, .notice, cause: "these hold only after a restart: \(keys.joined(separator: ", "))", nextStep: "systemctl restart pngwd"))
  }

  private func reply(_ wanted: GatewayConfiguration) -> ConfigurationReply {
    let changes = running.changes(to: wanted).map {
      ConfigurationReply.Change(key: $0.path, running: $0.before, file: $0.after, effect: $0.isLive ? .reload : .restart)
    }
    return ConfigurationReply(file: path, changes: changes, trial: trial)
  }
}
