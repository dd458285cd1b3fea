import AdminProtocol
import CPNSModel
import Configuration
import Diagnosis
import FoundationEssentials
import Glibc
import SQLiteStore

/// Examines this machine as the gateway sees it. What it finds is judged by the rules of ``Diagnosis``; here it is only looked at.
struct Doctor {
  let options: LocalOptions
  let now: Timestamp
  /// nil: it can't be read, or is wrong; the steps that need it are left out.
  let configuration: GatewayConfiguration?
  let configurationStep: Examination
  let gateway: GatewayProbe
  let database: DatabaseExamination?

  init(_ options: LocalOptions) {
    self.options = options
    now = Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
    (configuration, configurationStep) = Self.configuration(options.config)
    gateway = GatewayProbe(socket: options.socket ?? configuration?.admin.socket ?? GatewayConfiguration().admin.socket)
    database = configuration.map { DatabaseExamination(gatewayDatabase: $0.state.directory + "/pngw.db") }
  }

  /// - Parameter tell: called with each step before it begins.
  func examine(tell: (String) -> Void) -> DoctorReport {
    // The steps to the server build on each other: what one found out, the next uses.
    let server = ServerProbe(self)
    let steps: [(String, () -> Examination)] = [
      ("configuration", { configurationStep }), ("permissions", permissions), ("clock", clock), ("disk", disk), ("database", databaseStep),
      ("gateway", gatewayStep), ("ports", ports), ("certificates", certificates), ("dns", server.names), ("route", server.route),
      ("tls", server.tls), ("interfaces", interfaces), ("multicast", multicast), ("firewall", firewall), ("groups", groups), ("mdns", responders),
      ("bluetooth", bluetooth), ("warnings", warnings),
    ]
    return DoctorReport(
      software: "pngwctl \(Version.text)", at: now,
      steps: steps.map { name, look in
        tell(name)
        return look()
      })
  }

  static let needsConfiguration = "the configuration has to be right first"

  // MARK: Configuration

  private static func configuration(_ path: String) -> (GatewayConfiguration?, Examination) {
    guard access(path, R_OK) == 0 else {
      let finding = Finding(
        .configurationMissing, subject: path, evidence: "\(path): \(String(cString: strerror(errno)))",
        remedy: errno == ENOENT ? "run: touch \(StateRule.quoted(path))" : "run: chmod a+r \(StateRule.quoted(path))")
      return (nil, Examination("configuration", findings: [finding]))
    }
    do throws(StartFailure) {
      let configuration = try ConfigurationReader.gateway(at: path)
      return (configuration, Examination("configuration", seen: [path]))
    } catch {
      let finding = Finding(
        .configurationWrong, subject: path, evidence: error.description, remedy: "mend these lines; pngwd --check --config \(StateRule.quoted(path)) says when it is right")
      return (nil, Examination("configuration", findings: [finding]))
    }
  }

  // MARK: Simple steps

  private func clock() -> Examination { Examination("clock", seen: ["here it is \(now.iso8601)"], findings: ClockRule.findings(now: now)) }

  private func databaseStep() -> Examination {
    guard let database, let configuration else { return Examination("database", skipped: Self.needsConfiguration) }
    let path = configuration.state.directory + "/pngw.db"
    guard access(configuration.state.directory, R_OK | X_OK) == 0 else {
      return Examination("database", skipped: "\(configuration.state.directory) can't be looked into; try as root")
    }
    let rows = database.rows.sorted { $0.key < $1.key }.map { "\($0.value) in \($0.key)" }.joined(separator: ", ")
    let seen = database.verdict == .absent ? ["none yet: \(path) is made at the first start"] : rows.isEmpty ? [] : ["\(path): sound; \(rows)"]
    return Examination("database", seen: seen, findings: DatabaseRule.finding(.init(database.verdict), path: path).map { [$0] } ?? [])
  }

  private func gatewayStep() -> Examination {
    let seen = gateway.software.map { ["\($0) answers at \(gateway.socket)"] } ?? []
    return Examination("gateway", seen: seen, findings: GatewayRule.finding(gateway.answer, socket: gateway.socket).map { [$0] } ?? [])
  }

  /// What the running gateway itself has to say.
  private func warnings() -> Examination {
    guard let warnings = gateway.warnings else { return Examination("warnings", skipped: "the gateway does not answer") }
    return Examination(
      "warnings", seen: warnings.isEmpty ? ["none"] : [],
      findings: warnings.compactMap { warning in
        guard let code = ProblemCode(rawValue: warning.code), let severity = Severity(rawValue: warning.severity) else { return nil }
        return Finding(code, severity, subject: warning.subject, evidence: warning.cause, remedy: warning.nextStep)
      })
  }
}

extension DatabaseRule.Verdict {
  init(_ verdict: DatabaseExamination.Verdict) {
    self =
      switch verdict {
      case .absent: .absent
      case .sound: .sound
      case .damaged(let why): .damaged(why)
      case .foreign(let why): .foreign(why)
      case .newer(let found, let known): .newer(found: found, known: known)
      case .unavailable(let why): .unavailable(why)
      }
  }
}
