import CPNSMessages
import CPNSSession
import Synchronization

/// Envelopes between the event loop, which puts them in, and the one task that receives them.
///
/// The loop asks ``hasRoom()`` before each one, and stops cutting frames and reading when there is none.
final class InboundQueue: Sendable {
  /// Few, because one may be 1 MiB; more than one, so that small ones do not stop the channel each time.
  static let maximumEnvelopes = 8
  /// One more envelope may begin below this.
  static let maximumBytes = 256 << 10

  private struct State {
    var envelopes: [(envelope: Cpns_V1_Envelope, bytes: Int)] = []
    var bytes = 0
    /// The loop was told that there is no room.
    var isHeld = false
    var end: Result<Void, LinkError>?
    var waiter: CheckedContinuation<Result<Cpns_V1_Envelope?, LinkError>, Never>?

    var hasRoom: Bool { envelopes.count < InboundQueue.maximumEnvelopes && bytes < InboundQueue.maximumBytes }

    mutating func next() -> Result<Cpns_V1_Envelope?, LinkError>? {
      guard !envelopes.isEmpty else { return end.map { $0.map { nil } } }
      let first = envelopes.removeFirst()
      bytes -= first.bytes
      return .success(first.envelope)
    }
  }
  private let state = Mutex(State())

  /// Whether another envelope may come. After false, the next `take` that makes room calls its `drained`.
  func hasRoom() -> Bool {
    state.withLock { state in
      state.isHeld = !state.hasRoom
      return !state.isHeld
    }
  }

  func put(_ envelope: Cpns_V1_Envelope, bytes: Int) {
    let waiter = state.withLock { state in
      defer { state.waiter = nil }
      if state.waiter == nil {
        state.envelopes.append((envelope, bytes))
        state.bytes += bytes
      }
      return state.waiter
    }
    waiter?.resume(returning: .success(envelope))
  }

  /// What comes after the envelopes that are there. The first end counts.
  func end(_ result: Result<Void, LinkError>) {
    let waiter = state.withLock { state in
      if state.end == nil { state.end = result }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: ended.flatMap { .failure($0) } ?? .success(nil))
  }

  /// Why it ended, unless it ended well or not at all.
  var ended: LinkError? {
    state.withLock { state in
      if case .failure(let error) = state.end { error } else { nil }
    }
  }

  /// - Parameter drained: called when there is room again for a loop that was told that there is none.
  func take(_ drained: () -> Void) async -> Result<Cpns_V1_Envelope?, LinkError> {
    let (ready, mayResume) = state.withLock { state in
      let next = state.next()
      let mayResume = state.isHeld && state.hasRoom
      if mayResume { state.isHeld = false }
      return (next, mayResume)
    }
    if mayResume { drained() }
    if let ready { return ready }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { wait($0) }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(returning: .failure(.lost("cancelled")))
    }
  }

  private func wait(_ continuation: CheckedContinuation<Result<Cpns_V1_Envelope?, LinkError>, Never>) {
    let now: Result<Cpns_V1_Envelope?, LinkError>? = state.withLock { state in
      if let next = state.next() { return next }
      if Task.isCancelled { return .failure(.lost("cancelled")) }
      if state.waiter != nil { return .failure(.lost("another task receives on this link")) }
      state.waiter = continuation
      return nil
    }
    if let now { continuation.resume(returning: now) }
  }
}
