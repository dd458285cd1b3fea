import Logging

/// What avahi's thread has to tell.
enum AvahiNews: Sendable, Equatable {
  /// The responder is there.
  case running
  /// The service is announced, under this name.
  case published(String)
  case saw([DiscoveredService])
  /// The connection is of no use any more. The last news.
  case ended(String)
}

typealias AvahiTell = @Sendable (AvahiNews) -> Void

/// Keeps one piece of work going as long as its task lives, through as many connections to avahi-daemon as that takes.
///
///     connect ──▶ running ──responder or bus gone──▶ wait (backoff) ──▶ connect
///        └──no bus──▶ wait
struct AvahiUpkeep: Sendable {
  private static let firstWait = Duration.milliseconds(250)
  private static let longestWait = Duration.seconds(10)
  /// Few, because avahi's thread tells little, and what is browsed is told whole each time.
  private static let waitingNews = 64

  /// For the log: "announcement", "browse".
  let what: String
  let logger: Logger
  let timer: any Clock<Duration>

  func run(_ make: @escaping @Sendable (@escaping AvahiTell) -> any AvahiWork, heard: (AvahiNews) -> Void) async {
    var wait = Self.firstWait
    var isTold = false
    while !Task.isCancelled {
      let why = await live(make) { news in
        if case .running = news {
          wait = Self.firstWait
          if isTold { logger.notice("mdns responder is back", metadata: ["for": "\(what)"]) }
          isTold = false
        }
        heard(news)
      }
      if Task.isCancelled { return }
      // Once for each time that it is away.
      if !isTold { logger.warning("mdns responder is away", metadata: ["for": "\(what)", "why": "\(why)"]) }
      isTold = true
      do { try await timer.sleep(for: wait) } catch { return }
      wait = min(wait * 2, Self.longestWait)
    }
  }

  /// - Returns: why the connection ended.
  private func live(_ make: @escaping @Sendable (@escaping AvahiTell) -> any AvahiWork, _ heard: (AvahiNews) -> Void) async -> String {
    let (news, teller) = AsyncStream<AvahiNews>.makeStream(bufferingPolicy: .bufferingNewest(Self.waitingNews))
    let connection = AvahiConnection(make: make) { teller.yield($0) }
    if let problem = await connection.open() { return problem }
    var why = "cancelled"
    reading: for await item in news {
      if case .ended(let reason) = item {
        why = reason
        break reading
      }
      heard(item)
    }
    await connection.close()
    return why
  }
}
