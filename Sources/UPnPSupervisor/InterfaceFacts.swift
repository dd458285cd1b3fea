/// What decides whether an interface gets a worker, and whether that must be started anew.
package struct InterfaceFacts: Hashable, Sendable {
  package var name: String
  package var index: UInt32
  package var address: String
  package var prefix: Int
  package var isUp: Bool
  package var isLoopback: Bool
  package var isPointToPoint: Bool
  package var hasMulticast: Bool

  package init(
    name: String, index: UInt32, address: String, prefix: Int, isUp: Bool = true, isLoopback: Bool = false,
    isPointToPoint: Bool = false, hasMulticast: Bool = true
  ) {
    self.name = name
    self.index = index
    self.address = address
    self.prefix = prefix
    self.isUp = isUp
    self.isLoopback = isLoopback
    self.isPointToPoint = isPointToPoint
    self.hasMulticast = hasMulticast
  }

  /// Most interfaces with a worker; a machine with more LANs is told which to use by the configuration.
  package static let most = 8

  /// - Parameter wanted: names from the configuration; empty: all that can have a LAN behind them.
  package static func suitable(_ all: [InterfaceFacts], wanted: [String]) -> [InterfaceFacts] {
    let able = all.filter { $0.isUp && $0.hasMulticast && !$0.isLoopback }
    let chosen = wanted.isEmpty ? able.filter { !$0.isPointToPoint } : able.filter { wanted.contains($0.name) }
    return Array(chosen.sorted { $0.index < $1.index }.prefix(most))
  }
}
