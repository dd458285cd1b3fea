import CPNSSession
import Synchronization

/// Links without a certificate, on which a gateway may enrol and do nothing else: few, and not for long.
///
/// One more takes the place of the oldest, so that those who only hold places never keep an honest gateway out: it needs
/// its place for seconds.
final class Strangers: Sendable {
  static let most = 64
  static let patience = Duration.seconds(60)

  private let sessions = Mutex<[Session]>([])

  /// Closes the session when its time is over or its place is needed; returns when its task is cancelled.
  func host(_ session: Session, timer: any Clock<Duration>) async {
    let oldest = sessions.withLock { sessions in
      sessions.append(session)
      return sessions.count > Self.most ? sessions.removeFirst() : nil
    }
    defer { sessions.withLock { $0.removeAll { $0.id == session.id } } }
    await oldest?.close()
    do { try await timer.sleep(for: Self.patience) } catch { return }
    await session.close()
  }
}
