package import CPNSModel
import Diagnosis
import Synchronization

/// A warning as a value: a stable code, a severity, a cause, a next step, and what depends on it.
package struct HealthWarning: Sendable, Hashable {
  package enum Severity: String, Sendable, Comparable {
    case notice, warning, error

    package static func < (a: Self, b: Self) -> Bool { Diagnosis.Severity(a) < Diagnosis.Severity(b) }
  }
  /// Those of ``ProblemCode`` that a running gateway can see by itself; the raw values are the same.
  package enum Code: String, Sendable, CaseIterable {
    case notEnrolled = "not-enrolled"
    case uplinkDown = "uplink-down"
    case uplinkRefused = "uplink-refused"
    case identityInUse = "identity-in-use"
    case outboxMessageRefused = "outbox-message-refused"
    case outboxFilling = "outbox-filling"
    case workerDown = "upnp-worker-down"
    case workerLoop = "upnp-worker-loop"
    case devicesFull = "devices-full"
    case storeUnavailable = "store-unavailable"
    case diskFull = "disk-full"
    case diskLow = "disk-low"
    case clockImplausible = "clock-implausible"
    case certificateExpired = "certificate-expired"
    case certificateExpiring = "certificate-expiring"
    case certificateEarly = "certificate-early"
    case certificateNotRenewed = "certificate-not-renewed"
    case configurationRefused = "configuration-refused"
    case configurationReverted = "configuration-reverted"
    case restartNeeded = "restart-needed"
    case portTaken = "port-taken"
  }

  package var code: Code
  package var severity: Severity
  /// What it is about, when there may be several: an interface, a device.
  package var subject: String
  package var cause: String
  package var nextStep: String

  /// - Parameters:
  ///   - severity: nil: the code's own.
  ///   - nextStep: nil: the code's own.
  package init(_ code: Code, _ severity: Severity? = nil, subject: String = "", cause: String, nextStep: String? = nil) {
    self.code = code
    self.severity = severity ?? Severity(code.facts.severity)
    self.subject = subject
    self.cause = cause
    self.nextStep = nextStep ?? code.facts.nextStep
  }

  /// What does not work for as long as it lasts.
  package var affects: String { code.facts.affects }
}

extension HealthWarning.Code {
  /// What the table says of it; a test holds that every code is in there.
  var facts: ProblemFacts { (ProblemCode(rawValue: rawValue) ?? .gatewayDown).facts }
}

extension HealthWarning.Severity {
  init(_ severity: Diagnosis.Severity) {
    self =
      switch severity {
      case .notice: .notice
      case .warning: .warning
      case .error: .error
      }
  }
}

extension Diagnosis.Severity {
  init(_ severity: HealthWarning.Severity) {
    self =
      switch severity {
      case .notice: .notice
      case .warning: .warning
      case .error: .error
      }
  }
}

/// The warnings that hold now: the one place from which status, events, metrics and the service manager have them.
package final class HealthBoard: Sendable {
  /// A warning, and since when it holds.
  package struct Standing: Sendable, Hashable {
    package var warning: HealthWarning
    package var since: Timestamp
  }
  package enum Change: Sendable, Equatable {
    case raised(HealthWarning)
    case cleared(HealthWarning)
  }
  private struct Key: Hashable {
    let code: HealthWarning.Code
    let subject: String
  }
  /// Subjects of one code that are kept: interfaces and files are fewer. A further one replaces none and is left out.
  private static let mostSubjects = 64

  private let standing = Mutex<[Key: Standing]>([:])
  private let clock: WallClock
  private let changed: @Sendable (Change) -> Void
  /// How often each was raised, whether it held already or not. A message or a device that is left out raises its code each time.
  package let raised = Tally<HealthWarning.Code>()

  /// - Parameter changed: called once for each warning that begins or ends; not when only its cause changes.
  package init(clock: WallClock = WallClock { Timestamp(milliseconds: 0) }, changed: @escaping @Sendable (Change) -> Void = { _ in }) {
    self.clock = clock
    self.changed = changed
  }

  package func raise(_ warning: HealthWarning) {
    let key = Key(code: warning.code, subject: warning.subject)
    let now = clock.now()
    raised.add(warning.code)
    let isNew = standing.withLock { standing in
      if let known = standing[key] {
        standing[key] = Standing(warning: warning, since: known.since)
        return false
      }
      guard standing.keys.count(where: { $0.code == warning.code }) < Self.mostSubjects else { return false }
      standing[key] = Standing(warning: warning, since: now)
      return true
    }
    if isNew { changed(.raised(warning)) }
  }

  package func clear(_ code: HealthWarning.Code, subject: String = "") {
    let gone = standing.withLock { $0.removeValue(forKey: Key(code: code, subject: subject)) }
    if let gone { changed(.cleared(gone.warning)) }
  }

  /// Raises or clears, by whether there is something to say.
  package func set(_ code: HealthWarning.Code, subject: String = "", _ warning: HealthWarning?) {
    if let warning { raise(warning) } else { clear(code, subject: subject) }
  }

  /// Worst first, then by code.
  package var all: [HealthWarning] { list.map(\.warning) }

  package var list: [Standing] {
    standing.withLock { Array($0.values) }.sorted {
      let (a, b) = ($0.warning, $1.warning)
      return a.severity == b.severity ? (a.code.rawValue, a.subject) < (b.code.rawValue, b.subject) : a.severity > b.severity
    }
  }
}
