import CPNSModel
import GatewayCore
import Synchronization

/// Staged contents in memory. The digest is ``FakeSecrets/mix(_:)``.
final class MemoryStages: ContentStage {
  private struct State {
    var contents: [ContentID: MemoryContent] = [:]
    var removed: [ContentID] = []
    var openFailure: StageError?
    var writeFailure: StageError?
  }
  private let state = Mutex(State())

  var removed: [ContentID] { state.withLock { $0.removed } }
  func failOpening(_ failure: StageError?) { state.withLock { $0.openFailure = failure } }
  func failWriting(_ failure: StageError?) { state.withLock { $0.writeFailure = failure } }
  func content(_ id: ContentID) -> MemoryContent? { state.withLock { $0.contents[id] } }

  func open(_ content: ContentDescription) async throws(StageError) -> any StagedContent {
    let (failure, staged) = state.withLock { state -> (StageError?, MemoryContent) in
      let staged = state.contents[content.id] ?? MemoryContent(content, failure: { self.state.withLock { $0.writeFailure } })
      state.contents[content.id] = staged
      return (state.openFailure, staged)
    }
    if let failure { throw failure }
    return staged
  }

  func remove(_ content: ContentID) async {
    state.withLock { state in
      state.contents[content] = nil
      state.removed.append(content)
    }
  }
}

final class MemoryContent: StagedContent {
  private struct State {
    var bytes: [UInt8] = []
    var isWhole = false
    var failure: StageError?
    var restarts = 0
    var next = 0
    var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
  }
  let description: ContentDescription
  let path = "/nowhere"
  private let state = Mutex(State())
  private let writeFailure: @Sendable () -> StageError?

  init(_ description: ContentDescription, failure: @escaping @Sendable () -> StageError?) {
    self.description = description
    self.writeFailure = failure
  }

  var available: UInt64 { state.withLock { UInt64($0.bytes.count) } }
  var isWhole: Bool { state.withLock { $0.isWhole } }
  var bytes: [UInt8] { state.withLock { $0.bytes } }
  var restarts: Int { state.withLock { $0.restarts } }
  /// How many wait for bytes.
  var waiting: Int { state.withLock { $0.waiters.count } }

  func append(_ bytes: [UInt8], at offset: UInt64) async throws(StageError) {
    if let failure = writeFailure() { throw failure }
    let gap: UInt64? = change { state in
      guard offset <= UInt64(state.bytes.count) else { return UInt64(state.bytes.count) }
      state.bytes += bytes.dropFirst(state.bytes.count - Int(offset))
      state.failure = nil
      return nil
    }
    if let gap { throw .outOfOrder(expected: gap, got: offset) }
  }

  @discardableResult
  func finish() async throws(StageError) -> [UInt8] {
    let digest = FakeSecrets.mix(bytes)
    if let size = description.size, size != available { throw .mismatch("\(available) of \(size) bytes came") }
    if let announced = description.sha256, announced != digest { throw .mismatch("the digest is another") }
    change { $0.isWhole = true }
    return digest
  }

  func fail(_ reason: String) async { change { if !$0.isWhole { $0.failure = .source(reason) } } }

  func restart() async throws(StageError) {
    change { state in
      state.bytes = []
      state.restarts += 1
      state.failure = nil
    }
  }

  func waitForBytes(past offset: UInt64) async throws(StageError) -> UInt64 {
    while true {
      if let answer = try state.withLock({ (state) throws(StageError) in try Self.answer(state, offset) }) { return answer }
      if Task.isCancelled { throw .source("cancelled") }
      await wait(past: offset)
    }
  }

  private static func answer(_ state: State, _ offset: UInt64) throws(StageError) -> UInt64? {
    let available = UInt64(state.bytes.count)
    if offset > available { throw .mismatch("it begins anew") }
    if offset < available || state.isWhole { return available }
    if let failure = state.failure { throw failure }
    return nil
  }

  private func wait(past offset: UInt64) async {
    let id = state.withLock { $0.next += 1; return $0.next }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ready = state.withLock { state in
          let answer = Result { () throws(StageError) in try Self.answer(state, offset) }
          if Task.isCancelled { return true }
          if case .success(nil) = answer {
            state.waiters[id] = continuation
            return false
          }
          return true
        }
        if ready { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
    }
  }

  func read(at offset: UInt64, count: Int) async throws(StageError) -> [UInt8] {
    state.withLock { Array($0.bytes.dropFirst(Int(offset)).prefix(count)) }
  }

  @discardableResult
  private func change<T: Sendable>(_ body: (inout State) -> T) -> T {
    let (value, waiters) = state.withLock { state in
      let value = body(&state)
      defer { state.waiters = [:] }
      return (value, Array(state.waiters.values))
    }
    for waiter in waiters { waiter.resume() }
    return value
  }
}
