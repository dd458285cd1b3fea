import CPNSModel
import Diagnosis

/// Looks at what tells nobody when it changes: the clock, the disk, the certificates, the outbox.
struct HealthWatch: Sendable {
  /// A disk that fills in hours and a certificate that ends in weeks are both noticed in time.
  static let pause = Duration.seconds(60)

  let machine: any Machine
  let store: any GatewayStore
  let inventory: PNInventory
  let health: HealthBoard
  let clock: WallClock
  var time: (any TimeKeeping)?
  /// Its own: nothing else waits for what it finds.
  var timer: any Clock<Duration> = ContinuousClock()
  /// Looks at what the proxy has to say.
  let settle: @Sendable () async -> Void

  /// The whole life: until cancelled.
  func run() async {
    while !Task.isCancelled {
      await look()
      do { try await timer.sleep(for: Self.pause) } catch { return }
    }
  }

  func look() async {
    let now = clock.now()
    note([.clockImplausible], ClockRule.findings(now: now, known: time?.problem))
    note([.diskFull, .diskLow], machine.disk.map { DiskRule.findings(free: $0.free, total: $0.total, directory: "") } ?? [])
    let enrolled = await inventory.network.serverID != nil
    let lifetimes = enrolled ? machine.certificates() : []
    let findings = lifetimes.flatMap { CertificateRule.lifetime($0.use.rawValue, begins: $0.begins, ends: $0.ends, now: now) }
    note([.certificateExpired, .certificateExpiring, .certificateEarly], findings)
    await noteOutbox(now)
    await settle()
  }

  private func noteOutbox(_ now: Timestamp) async {
    guard let disk = machine.disk, let depth = try? await store.outboxDepth() else { return }  // the store's trouble has its own warning
    let forecast = OutboxForecast(messages: depth.messages, bytes: depth.bytes, oldest: depth.oldest, now: now, freeBytes: disk.free)
    note([.outboxFilling], forecast.findings)
  }

  /// Of these codes, exactly what was found holds.
  private func note(_ codes: [HealthWarning.Code], _ findings: [Finding]) {
    for standing in health.list where codes.contains(standing.warning.code) {
      let (code, subject) = (standing.warning.code, standing.warning.subject)
      if !findings.contains(where: { $0.code.rawValue == code.rawValue && $0.subject == subject }) { health.clear(code, subject: subject) }
    }
    for finding in findings {
      guard let code = HealthWarning.Code(rawValue: finding.code.rawValue) else { continue }
      health.raise(HealthWarning(
        code, HealthWarning.Severity(finding.severity), subject: finding.subject, cause: finding.evidence, nextStep: finding.remedy))
    }
  }
}
