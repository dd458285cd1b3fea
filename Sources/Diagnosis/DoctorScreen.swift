/// `pngwctl doctor` for people, as lines before they are broken.
package enum DoctorScreen {
  package enum Line: Sendable, Hashable {
    /// A step, and how it went: `ok`, `skipped`, or the gravest finding.
    case step(String, mark: String)
    case seen(String)
    case finding(Finding)
  }

  package static func lines(_ report: DoctorReport) -> [Line] {
    report.steps.flatMap { step -> [Line] in
      let worst = step.findings.map(\.severity).max()
      let mark = worst?.rawValue ?? (step.skipped == nil ? "ok" : "skipped")
      return [.step(step.step, mark: mark)] + (step.skipped.map { [.seen($0)] } ?? []) + step.seen.map { .seen($0) } + step.findings.map { .finding($0) }
    }
  }
}
