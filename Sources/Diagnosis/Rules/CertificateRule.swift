package import CPNSModel

/// Lifetimes of certificates, and what belongs together.
package enum CertificateRule {
  /// Time to renew in when nobody looks every day.
  package static let noticeDays: Int64 = 30

  /// Whole days until `ends`, negative afterwards.
  package static func daysLeft(_ ends: Timestamp, now: Timestamp) -> Int64 {
    Int64((Double(ends.milliseconds) - Double(now.milliseconds)) / 86_400_000)
  }

  /// - Parameter use: `gateway` or `trust-anchor`.
  package static func lifetime(_ use: String, begins: Timestamp, ends: Timestamp, now: Timestamp) -> [Finding] {
    let whose = use == "gateway" ? "this gateway's certificate" : "the trust anchor"
    let enrol = "enrol again: cpnsd claim new on the server, then here: pngwctl enrol CODE@HOST:PORT"
    if now < begins {
      return [Finding(
        .certificateEarly, subject: use, evidence: "\(whose) begins on \(begins.iso8601), and here it is \(now.iso8601)",
        remedy: "set the clock: timedatectl set-ntp true, or by hand: date --utc --set=YYYY-MM-DDTHH:MM:SS")]
    }
    if now >= ends {
      return [Finding(.certificateExpired, subject: use, evidence: "\(whose) expired on \(ends.iso8601), and here it is \(now.iso8601)", remedy: enrol)]
    }
    let left = daysLeft(ends, now: now)
    guard left < noticeDays else { return [] }
    return [Finding(.certificateExpiring, subject: use, evidence: "\(whose) expires on \(ends.iso8601), in \(left) days", remedy: enrol)]
  }
}
