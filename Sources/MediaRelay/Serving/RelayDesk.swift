import GatewayCore
import MediaProtocol
import NIOCore
import Synchronization

/// The URLs that are out, and those that were.
final class RelayDesk: Sendable {
  /// URLs out at once: as many as deliveries that have not ended.
  static let mostPublications = 512
  /// Tokens that were withdrawn, remembered to tell their device so.
  static let mostWithdrawn = 256

  enum Finding {
    case found(Publication)
    case gone
    /// Never given out, or to somebody else: which of both is nobody's business.
    case unknown
  }

  private struct State {
    var publications: [String: Publication] = [:]
    var withdrawn: [(token: String, client: IPAddress)] = []

    mutating func remove(_ token: String) -> Publication? {
      guard let publication = publications.removeValue(forKey: token) else { return nil }
      if withdrawn.count >= RelayDesk.mostWithdrawn { withdrawn.removeFirst() }
      withdrawn.append((token, publication.client))
      return publication
    }
  }
  private let state = Mutex(State())
  /// Whose content somebody waits for. One entry for each publication at most.
  let toFollow: AsyncStream<Publication>
  private let follow: AsyncStream<Publication>.Continuation
  let events: AsyncStream<RelayEvent>
  private let event: AsyncStream<RelayEvent>.Continuation

  init() {
    (toFollow, follow) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(2 * Self.mostPublications))
    (events, event) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(256))
  }

  /// - Returns: false when too many are out.
  func add(_ publication: Publication) -> Bool {
    let (fits, old) = state.withLock { state -> (Bool, [Publication]) in
      let now = NIODeadline.now()
      let old = state.publications.values.filter { $0.deadline <= now }.compactMap { state.remove($0.token) }
      guard state.publications.count < Self.mostPublications else { return (false, old) }
      state.publications[publication.token] = publication
      return (true, old)
    }
    for publication in old { publication.withdraw() }
    return fits
  }

  func withdraw(_ token: String) { state.withLock { $0.remove(token) }?.withdraw() }

  func find(_ token: String?, for client: IPAddress) -> Finding {
    guard let token else { return .unknown }
    return state.withLock { state in
      if let publication = state.publications[token], publication.client == client {
        return publication.deadline > .now() ? .found(publication) : .gone
      }
      return state.withdrawn.contains { $0.token == token && $0.client == client } ? .gone : .unknown
    }
  }

  func follow(_ publication: Publication) { follow.yield(publication) }

  func tell(_ event: RelayEvent) { self.event.yield(event) }
}
