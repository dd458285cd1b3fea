import AvahiBearer
import CPNSModel
import ElementCore
import Synchronization

/// The gateways that are seen now, for whoever asks, and again each time that they change.
final class Sightings: GatewayFinding {
  private struct State {
    var seen: [GatewaySighting] = []
    var readers: [Int: AsyncStream<[GatewaySighting]>.Continuation] = [:]
    var last = 0
  }
  private let state = Mutex(State())

  func set(_ seen: [GatewaySighting]) {
    state.withLock { state in
      state.seen = seen
      for reader in state.readers.values { reader.yield(seen) }
    }
  }

  func sightings() -> AsyncStream<[GatewaySighting]> {
    let (stream, reader) = AsyncStream<[GatewaySighting]>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let id = state.withLock { state in
      state.last += 1
      state.readers[state.last] = reader
      reader.yield(state.seen)
      return state.last
    }
    reader.onTermination = { [weak self] _ in _ = self?.state.withLock { $0.readers.removeValue(forKey: id) } }
    return stream
  }
}

extension GatewaySighting {
  /// nil when the TXT record names no entity.
  init?(_ service: DiscoveredService) {
    guard let id = service.text["id"].flatMap({ EntityID(urn: $0) }) else { return nil }
    self.init(id: id, name: service.name, addresses: service.endpoints.map(\.description))
  }
}
