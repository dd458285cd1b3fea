import Synchronization

/// Counts since the start, by names that are ours and never a peer's: so there are as many as there are names.
package final class Tally<Name: Hashable & Sendable>: Sendable {
  private let counts = Mutex<[Name: UInt64]>([:])

  package init() {}

  package func add(_ name: Name) { counts.withLock { $0[name, default: 0] &+= 1 } }
  package subscript(_ name: Name) -> UInt64 { counts.withLock { $0[name] ?? 0 } }
}
