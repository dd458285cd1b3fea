import CPNSModel
import GatewayCore
import MediaProtocol
import NIOCore
import Synchronization

/// One URL that is out: a content for one device.
final class Publication: Sendable {
  /// How a wait for bytes ended.
  enum News: Sendable, Equatable {
    case more
    /// No more will come: the connection can't be ended well.
    case failed(String)
    /// The URL was withdrawn.
    case withdrawn
  }
  typealias Wake = @Sendable (News) -> Void

  private struct State {
    var coverage = Coverage()
    var told: UInt64 = 0
    var isWithdrawn = false
    var isFollowed = false
    /// Ends the following.
    var leave: AsyncStream<Never>.Continuation?
    /// Connections that wait for bytes.
    var hungry: [RelayID: (position: UInt64, wake: Wake)] = [:]
    /// Connections that serve this.
    var serving: [RelayID: Wake] = [:]
  }

  /// A device's progress is told when an eighth more was read, within these bounds, or a request ended: a sound of 64 kbit/s shows
  /// every four minutes at least that it is read, and a film read at full speed wakes nobody a thousand times a second.
  private static let tellBytes: ClosedRange<UInt64> = 256 << 10...2 << 20

  let token: String
  let client: IPAddress
  let deadline: NIODeadline
  let content: any StagedContent
  private let mediaType: String
  private let contentFeatures: String
  private let state = Mutex(State())

  init(token: String, client: IPAddress, offering: RelayOffering, deadline: NIODeadline) {
    self.token = token
    self.client = client
    self.deadline = deadline
    content = offering.content
    mediaType = Self.headerValue(content.description.mediaType) ?? "application/octet-stream"
    contentFeatures = Self.headerValue(offering.contentFeatures) ?? ""
  }

  var description: RelayedContent {
    RelayedContent(
      mediaType: mediaType, contentFeatures: contentFeatures, size: content.isWhole ? content.available : content.description.size)
  }

  /// What may stand in a header; devices gave parts of it.
  private static func headerValue(_ text: String) -> String? {
    !text.isEmpty && text.utf8.count <= 1024 && text.utf8.allSatisfy { (32...126).contains($0) } ? text : nil
  }

  var isWithdrawn: Bool { state.withLock { $0.isWithdrawn } }

  // MARK: Connections

  /// - Returns: false when the URL was withdrawn meanwhile.
  func begin(_ id: RelayID, _ wake: @escaping Wake) -> Bool {
    state.withLock { state in
      if state.isWithdrawn { return false }
      state.serving[id] = wake
      return true
    }
  }

  func end(_ id: RelayID) {
    state.withLock { state in
      state.serving[id] = nil
      state.hungry[id] = nil
    }
  }

  func withdraw() {
    let serving = state.withLock { state in
      state.isWithdrawn = true
      state.leave?.finish()
      state.hungry = [:]
      defer { state.serving = [:] }
      return state.serving
    }
    for wake in serving.values { wake(.withdrawn) }
  }

  /// `wake` is called once, when there is something past `position`, or never will be.
  /// - Returns: whether somebody must ``follow()`` now.
  func wait(_ id: RelayID, past position: UInt64, _ wake: @escaping Wake) -> Bool {
    state.withLock { state in
      guard !state.isWithdrawn else { return false }
      state.hungry[id] = (position, wake)
      defer { state.isFollowed = true }
      return !state.isFollowed
    }
  }

  func stopWaiting(_ id: RelayID) { state.withLock { $0.hungry[id] = nil } }

  /// Waits for the content as long as connections do, and wakes them.
  func follow() async {
    let (gone, leave) = AsyncStream<Never>.makeStream()
    let isWithdrawn = state.withLock { state in
      state.leave = leave
      return state.isWithdrawn
    }
    guard !isWithdrawn else { return }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.wakeAsItGrows() }
      group.addTask { for await _ in gone {} }
      await group.next()
      group.cancelAll()
    }
  }

  private func wakeAsItGrows() async {
    while let position = lowestHungry() {
      do throws(StageError) {
        _ = try await content.waitForBytes(past: position)
        wakeAll(.more)
      } catch {
        wakeAll(.failed("\(error)"))
      }
    }
  }

  private func lowestHungry() -> UInt64? {
    state.withLock { state in
      let lowest = state.hungry.values.map(\.position).min()
      state.isFollowed = lowest != nil
      return lowest
    }
  }

  private func wakeAll(_ news: News) {
    let hungry = state.withLock { state in
      defer { state.hungry = [:] }
      return state.hungry
    }
    for (_, wake) in hungry.values { wake(news) }
  }

  // MARK: Counting

  /// - Returns: what is to be told now.
  func count(_ range: Range<UInt64>, requestEnded: Bool) -> RelayEvent? {
    state.withLock { state in
      state.coverage.add(range)
      let count = state.coverage.count
      let step = min(max(state.told / 8, Self.tellBytes.lowerBound), Self.tellBytes.upperBound)
      guard requestEnded || count >= state.told + step else { return nil }
      state.told = count
      return RelayEvent(token: token, distinctBytes: count, requestEnded: requestEnded)
    }
  }
}

/// Tells connections apart.
struct RelayID: Hashable, Sendable {
  let number: UInt64
}
