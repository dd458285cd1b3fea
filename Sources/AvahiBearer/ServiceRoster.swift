/// The services that one browse has found: seen on each interface and protocol apart, told as one by their name.
struct ServiceRoster: Sendable, Equatable {
  /// Services that are told of. More are a fault or an attack; those seen first stay.
  static let maximumServices = 64
  /// Sightings of one service: interfaces times protocols.
  static let maximumSightings = 8

  /// One service on one interface over one protocol.
  struct Sighting: Hashable, Sendable {
    var name: String
    var interface: Int32
    /// avahi's number.
    var transport: Int32
  }

  struct Facts: Equatable, Sendable {
    var endpoint: ServiceEndpoint
    var text: [String: String]
  }

  /// In order of their first sighting.
  private var names: [String] = []
  private var sightings: [String: [Sighting: Facts?]] = [:]

  /// A service was seen; where it is and what it says comes later.
  /// - Returns: false when it is known already, or a bound is reached and it is left out.
  mutating func saw(_ sighting: Sighting) -> Bool {
    guard var known = sightings[sighting.name] else {
      guard names.count < Self.maximumServices else { return false }
      names.append(sighting.name)
      sightings[sighting.name] = [sighting: nil]
      return true
    }
    guard known.count < Self.maximumSightings, known[sighting] == nil else { return false }
    known[sighting] = .some(nil)
    sightings[sighting.name] = known
    return true
  }

  /// - Returns: whether that is news.
  mutating func resolved(_ sighting: Sighting, _ facts: Facts) -> Bool {
    guard let before = sightings[sighting.name]?[sighting], before != facts else { return false }
    sightings[sighting.name]?[sighting] = facts
    return true
  }

  mutating func lost(_ sighting: Sighting) {
    sightings[sighting.name]?[sighting] = nil
    guard sightings[sighting.name]?.isEmpty == true else { return }
    sightings[sighting.name] = nil
    names.removeAll { $0 == sighting.name }
  }

  /// Those of which the address is known.
  var services: [DiscoveredService] {
    names.compactMap { name in
      let known = (sightings[name] ?? [:]).sorted { ($0.key.interface, $0.key.transport) < ($1.key.interface, $1.key.transport) }
      let facts = known.compactMap(\.value)
      guard let first = facts.first else { return nil }
      var endpoints: [ServiceEndpoint] = []
      for fact in facts where !endpoints.contains(fact.endpoint) { endpoints.append(fact.endpoint) }
      return DiscoveredService(name: name, endpoints: endpoints.filter { !$0.isIPv6 } + endpoints.filter(\.isIPv6), text: first.text)
    }
  }
}
