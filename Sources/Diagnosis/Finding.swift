package import CPNSModel

/// Something that is wrong here and now.
package struct Finding: Sendable, Hashable, Codable {
  package var code: ProblemCode
  package var severity: Severity
  /// What it is about, when there may be several: an interface, a file. Empty: the gateway.
  package var subject: String
  /// What was seen.
  package var evidence: String
  /// What to do; where it begins with `run: `, the rest is a command line.
  package var remedy: String

  /// - Parameter severity: nil: the code's own.
  package init(_ code: ProblemCode, _ severity: Severity? = nil, subject: String = "", evidence: String, remedy: String) {
    self.code = code
    self.severity = severity ?? code.facts.severity
    self.subject = subject
    self.evidence = evidence
    self.remedy = remedy
  }
}

/// One step of the doctor: what it looked at, and what is wrong with it.
package struct Examination: Sendable, Hashable, Codable {
  /// A word: `clock`, `dns`, `multicast`…
  package var step: String
  /// What was seen, a line each; for people.
  package var seen: [String]
  package var findings: [Finding]
  /// Why it could not be looked at; nil when it was.
  package var skipped: String?

  package init(_ step: String, seen: [String] = [], findings: [Finding] = [], skipped: String? = nil) {
    self.step = step
    self.seen = seen
    self.findings = findings
    self.skipped = skipped
  }
}

/// What `pngwctl doctor` found.
package struct DoctorReport: Sendable, Hashable, Codable {
  package var software: String
  /// By this machine's clock; ISO 8601.
  package var at: String
  package var steps: [Examination]

  package init(software: String, at: Timestamp, steps: [Examination]) {
    self.software = software
    self.at = at.iso8601
    self.steps = steps
  }

  package var findings: [Finding] { steps.flatMap(\.findings) }
  /// Nothing graver than a notice.
  package var isWell: Bool { !findings.contains { $0.severity > .notice } }
}
