import Synchronization

/// A warning as a value (house rule: a stable code, a severity, a cause, a next step).
package struct HealthWarning: Sendable, Hashable {
  package enum Severity: String, Sendable { case notice, warning, error }
  package enum Code: String, Sendable {
    case notEnrolled = "not-enrolled"
    case uplinkDown = "uplink-down"
    case uplinkRefused = "uplink-refused"
    case workerDown = "upnp-worker-down"
    case storeUnavailable = "store-unavailable"
    case outboxMessageRefused = "outbox-message-refused"
    case devicesFull = "devices-full"
  }
  package var code: Code
  package var severity: Severity
  /// What it is about, when there may be several: an interface, a device.
  package var subject: String
  package var cause: String
  package var nextStep: String

  package init(_ code: Code, _ severity: Severity, subject: String = "", cause: String, nextStep: String) {
    self.code = code
    self.severity = severity
    self.subject = subject
    self.cause = cause
    self.nextStep = nextStep
  }
}

/// The warnings that hold now.
package final class HealthBoard: Sendable {
  private struct Key: Hashable {
    let code: HealthWarning.Code
    let subject: String
  }
  private let warnings = Mutex<[Key: HealthWarning]>([:])

  package init() {}

  package func raise(_ warning: HealthWarning) {
    warnings.withLock { $0[Key(code: warning.code, subject: warning.subject)] = warning }
  }

  package func clear(_ code: HealthWarning.Code, subject: String = "") {
    _ = warnings.withLock { $0.removeValue(forKey: Key(code: code, subject: subject)) }
  }

  /// Worst first, then by code.
  package var all: [HealthWarning] {
    let order: [HealthWarning.Severity] = [.error, .warning, .notice]
    return warnings.withLock { Array($0.values) }.sorted {
      let (a, b) = (order.firstIndex(of: $0.severity) ?? 0, order.firstIndex(of: $1.severity) ?? 0)
      return a == b ? ($0.code.rawValue, $0.subject) < ($1.code.rawValue, $1.subject) : a < b
    }
  }
}
