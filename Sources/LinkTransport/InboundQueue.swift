import CPNSMessages
import CPNSSession
import Synchronization

/// Envelopes between the event loop, which puts them in, and the one task that receives them.
///
/// The channel is not read while it holds ``high`` envelopes; what was read already may still come in.
final class InboundQueue: Sendable {
  /// Few, because an envelope may be 1 MiB; more than one, so that small ones do not stop the channel each time.
  static let high = 8

  private struct State {
    var envelopes: [Cpns_V1_Envelope] = []
    var end: Result<Void, LinkError>?
    var waiter: CheckedContinuation<Result<Cpns_V1_Envelope?, LinkError>, Never>?
  }
  private let state = Mutex(State())

  /// - Returns: whether more may be read.
  func put(_ envelope: Cpns_V1_Envelope) -> Bool {
    let (waiter, room) = state.withLock { state in
      defer { state.waiter = nil }
      if state.waiter == nil { state.envelopes.append(envelope) }
      return (state.waiter, state.envelopes.count < Self.high)
    }
    waiter?.resume(returning: .success(envelope))
    return room
  }

  /// What comes after the envelopes that are there. The first end counts.
  func end(_ result: Result<Void, LinkError>) {
    let waiter = state.withLock { state in
      if state.end == nil { state.end = result }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: result.map { nil })
  }

  /// - Parameter drained: called when there is room again.
  func take(_ drained: () -> Void) async -> Result<Cpns_V1_Envelope?, LinkError> {
    let ready: Result<Cpns_V1_Envelope?, LinkError>? = state.withLock { state in
      if !state.envelopes.isEmpty { return .success(state.envelopes.removeFirst()) }
      return state.end.map { $0.map { nil } }
    }
    drained()
    if let ready { return ready }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now: Result<Cpns_V1_Envelope?, LinkError>? = state.withLock { state in
          if !state.envelopes.isEmpty { return .success(state.envelopes.removeFirst()) }
          if let end = state.end { return end.map { nil } }
          if Task.isCancelled { return .failure(.lost("cancelled")) }
          state.waiter = continuation
          return nil
        }
        if let now { continuation.resume(returning: now) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume(returning: .failure(.lost("cancelled")))
    }
  }

  var hasRoom: Bool { state.withLock { $0.envelopes.count < Self.high } }
}
