import Synchronization

/// Whether somebody else uses our identity. The server keeps one link for each gateway, the newest, and closes the one before: two that share
/// an identity, because a state directory was copied, throw each other out for ever.
final class Rivalry: Sendable {
  /// So many links in a row that the server closes soon after they stood. A server that is restarted closes one.
  static let most = 3

  /// A rival is back after its backoff: a link that stood for longer was not thrown out by it.
  let soon: Duration
  private let closings = Mutex(0)
  private let health: HealthBoard
  private let timer: any Clock<Duration>

  init(health: HealthBoard, backoffLimit: Duration, timer: any Clock<Duration> = ContinuousClock()) {
    self.health = health
    self.timer = timer
    soon = backoffLimit + .seconds(10)
  }

  /// A link has ended.
  /// - Parameter stood: how long it stood; nil when it never did.
  func ended(closedByServer: Bool, after stood: Duration?) {
    guard let stood else { return }
    let isThrownOut = closedByServer && stood < soon
    let count = closings.withLock { count in
      count = isThrownOut ? count + 1 : 0
      return count
    }
    guard isThrownOut else { return health.clear(.identityInUse) }
    guard count >= Self.most else { return }
    health.raise(HealthWarning(
      .identityInUse, cause: "the server has closed \(count) links in a row soon after they stood: most likely another gateway uses this one's key and certificate",
      nextStep: "end the other pngwd; one that was copied begins anew without pngw.db, key.pem and certificate.pem in its state directory"))
  }

  /// Clears the warning when the link that stands has stood for long enough; returns then, or when cancelled.
  func watch() async {
    do { try await timer.sleep(for: soon) } catch { return }
    closings.withLock { $0 = 0 }
    health.clear(.identityInUse)
  }
}
