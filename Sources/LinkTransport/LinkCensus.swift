import Synchronization

/// How many links a listener has at once. A stranger is a link that has not yet got past Hello.
package struct LinkBounds: Sendable, Equatable {
  /// Links in all: each idle one costs about 20 kB. One more is turned away.
  package var links = 2_048
  /// Links of one address: nobody takes everybody's. One more is turned away.
  package var linksPerAddress = 1_024
  /// Strangers in all, and of one address: they have proved nothing and cost a handshake each. One more takes the place of
  /// the one that has been silent longest, so that those who only hold places never keep an honest peer out: it needs its place for milliseconds.
  package var strangers = 256
  package var strangersPerAddress = 64

  package init() {}
}

/// The links of one listener.
final class LinkCensus: Sendable {
  private struct Guest {
    let id: Int
    let address: String
    let turnOut: @Sendable () -> Void
  }

  private struct State {
    /// In order of arrival.
    var strangers: [Guest] = []
    var known: [Int: String] = [:]
    var byAddress: [String: Int] = [:]
    var last = 0
  }

  private let bounds: LinkBounds
  private let state = Mutex(State())

  init(_ bounds: LinkBounds) { self.bounds = bounds }

  /// - Parameter turnOut: called, later, when the place is needed for another.
  /// - Returns: the number to greet and leave with; nil when there is no place.
  func arrive(_ address: String, turnOut: @escaping @Sendable () -> Void) -> Int? {
    let (id, victim) = state.withLock { state -> (Int?, Guest?) in
      guard state.strangers.count + state.known.count < bounds.links, state.byAddress[address, default: 0] < bounds.linksPerAddress
      else { return (nil, nil) }
      let victim = makeRoom(for: address, &state)
      state.last += 1
      state.strangers.append(Guest(id: state.last, address: address, turnOut: turnOut))
      state.byAddress[address, default: 0] += 1
      return (state.last, victim)
    }
    victim?.turnOut()
    return id
  }

  private func makeRoom(for address: String, _ state: inout State) -> Guest? {
    let index: Int?
    if state.strangers.lazy.filter({ $0.address == address }).count >= bounds.strangersPerAddress {
      index = state.strangers.firstIndex { $0.address == address }
    } else {
      index = state.strangers.count >= bounds.strangers ? 0 : nil
    }
    guard let index else { return nil }
    let victim = state.strangers.remove(at: index)
    Self.forget(victim.address, &state)
    return victim
  }

  /// It is past Hello.
  func greet(_ id: Int) {
    state.withLock { state in
      guard let index = state.strangers.firstIndex(where: { $0.id == id }) else { return }
      state.known[id] = state.strangers.remove(at: index).address
    }
  }

  func leave(_ id: Int) {
    state.withLock { state in
      if let address = state.known.removeValue(forKey: id) { return Self.forget(address, &state) }
      guard let index = state.strangers.firstIndex(where: { $0.id == id }) else { return }
      Self.forget(state.strangers.remove(at: index).address, &state)
    }
  }

  private static func forget(_ address: String, _ state: inout State) {
    let left = state.byAddress[address, default: 1] - 1
    state.byAddress[address] = left > 0 ? left : nil
  }
}
