/// The program that started us and waits to hear that we are ready: systemd, or anything that speaks sd_notify(3).
///
/// One call is the whole duty, so that none of it can be forgotten: units of ours are `Type=notify` with a watchdog.
package struct ServiceManager: Sendable {
  /// Characters of a status text; more is cut off. It is one line in `systemctl status`.
  static let maximumStatus = 256

  package init() {}

  /// Says that we are ready, then that we are alive, until cancelled, then that we stop. Call it when everything is prepared.
  ///
  /// - Parameter isHealthy: asked twice in each watchdog interval. While it says no, or does not answer, nothing is said,
  ///   and the manager starts us again when the interval is over. Without a watchdog it is never asked.
  package func serve(timer: any Clock<Duration> = ContinuousClock(), isHealthy: @Sendable () async -> Bool) async {
    notify("READY=1")
    defer { notify("STOPPING=1") }
    guard isNotifying, let interval = watchdogTimeout.map({ $0 / 2 }) else { return await cancellation() }
    while !Task.isCancelled {
      if await isHealthy() { notify("WATCHDOG=1") }
      do { try await timer.sleep(for: interval) } catch { return }
    }
  }

  /// Says that the configuration is read again, and that this is done when `body` returns (`Type=notify-reload`).
  package func reloading(_ body: () async -> Void) async {
    notify("RELOADING=1\nMONOTONIC_USEC=\(monotonicMicroseconds)")
    await body()
    notify("READY=1")
  }

  /// What we do at present, for people.
  package func status(_ text: String) {
    // A line break would begin another assignment.
    notify("STATUS=" + String(text.prefix(Self.maximumStatus).map { $0.isNewline ? " " : $0 }))
  }

  private func cancellation() async {
    let (never, continuation) = AsyncStream<Never>.makeStream()
    for await _ in never {}
    continuation.finish()
  }
}
