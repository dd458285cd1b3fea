package import CPNSModel

// What applications may read (CPNS-4).

/// A gateway, and whether its link stands.
package struct GatewayState: Sendable {
  package var record: GatewayRecord
  package var isOnline: Bool
}

package struct NetworkState: Sendable {
  package var record: NetworkRecord
  package var isOnline: Bool
}

/// A delivery, and how far it is.
package struct DeliveryReport: Sendable {
  package var delivery: ServerDelivery
  package var state: DeliveryState
  package var bytes: UInt64
}

extension Server {
  /// Whether the store answers.
  package var isHealthy: Bool {
    get async {
      do { _ = try await gateways(ListPage(limit: 1)) } catch { return false }
      return true
    }
  }

  package func counts() async throws(ServerFailure) -> ServerCounts {
    try await read { (store) async throws(ServerStoreError) in try await store.counts() }
  }

  package func gateways(_ page: ListPage) async throws(ServerFailure) -> Listed<GatewayState> {
    let listed = try await read { (store) async throws(ServerStoreError) in try await store.gateways(page) }
    return Listed(items: listed.items.map { GatewayState(record: $0, isOnline: links.isOnline($0.id)) }, next: listed.next)
  }

  package func networks(_ page: ListPage) async throws(ServerFailure) -> Listed<NetworkState> {
    let listed = try await read { (store) async throws(ServerStoreError) in try await store.networks(page) }
    return Listed(items: listed.items.map(state), next: listed.next)
  }

  package func network(_ id: PNID) async throws(ServerFailure) -> (network: NetworkState, entries: [InventoryEntry]) {
    let (network, entries) = try await read { (store) async throws(ServerStoreError) in
      (try await store.network(id), try await store.entries(of: id))
    }
    guard let network else { throw .notFound("PN \(id)") }
    return (state(network), entries)
  }

  package func entries(_ page: ListPage) async throws(ServerFailure) -> Listed<LocatedEntry> {
    try await read { (store) async throws(ServerStoreError) in try await store.entries(page) }
  }

  /// Where it can be reached best.
  package func entry(_ id: EntityID) async throws(ServerFailure) -> LocatedEntry {
    let places = try await read { (store) async throws(ServerStoreError) in try await store.places(of: id) }
    guard let place = best(places) else { throw .notFound("PNE \(id)") }
    return place
  }

  /// An entity that is in several PNs is where its gateway and it itself are online, and was last.
  private func best(_ places: [LocatedEntry]) -> LocatedEntry? {
    func rank(_ place: LocatedEntry) -> (Int, Int, Int64) {
      (links.isOnline(place.gateway) ? 1 : 0, place.entry.availability == .online ? 1 : 0, place.entry.since.milliseconds)
    }
    return places.max { rank($0) < rank($1) }
  }

  private func state(_ network: NetworkRecord) -> NetworkState { NetworkState(record: network, isOnline: links.isOnline(network.gateway)) }

  // MARK: Services, contents, deliveries, usage

  /// - Parameter query: words of which each must be in the service's name, type or keywords; only the first 4 count.
  package func services(matching query: String, _ page: ListPage) async throws(ServerFailure) -> Listed<ServiceRecord> {
    let words = query.lowercased().split(whereSeparator: \.isWhitespace).prefix(4).map(String.init)
    return try await read { (store) async throws(ServerStoreError) in try await store.services(with: words, page) }
  }

  package func service(_ id: ServiceID) async throws(ServerFailure) -> ServiceRecord {
    guard let service = try await read({ (store) async throws(ServerStoreError) in try await store.service(id) }) else { throw .notFound("service \(id)") }
    return service
  }

  package func contents(_ page: ListPage) async throws(ServerFailure) -> Listed<ContentRecord> {
    try await read { (store) async throws(ServerStoreError) in try await store.contents(page) }
  }

  package func content(_ id: ContentID) async throws(ServerFailure) -> ContentRecord {
    guard let content = try await read({ (store) async throws(ServerStoreError) in try await store.content(id) }) else { throw .notFound("content \(id)") }
    return content
  }

  package func deliveries(_ page: ListPage) async throws(ServerFailure) -> Listed<DeliveryReport> {
    let listed = try await read { (store) async throws(ServerStoreError) in try await store.deliveries(page) }
    return Listed(items: listed.items.map(report), next: listed.next)
  }

  package func delivery(_ id: DeliveryID) async throws(ServerFailure) -> DeliveryReport {
    guard let delivery = try await read({ (store) async throws(ServerStoreError) in try await store.delivery(id) }) else { throw .notFound("delivery \(id)") }
    return report(delivery)
  }

  package func usage(_ page: ListPage) async throws(ServerFailure) -> Listed<ReceivedUsage> {
    try await read { (store) async throws(ServerStoreError) in try await store.usage(page) }
  }

  package func sequence(of usage: UsageID) async throws(ServerFailure) -> Int64 {
    let sequence = try await read { (store) async throws(ServerStoreError) in try await store.sequence(of: usage) }
    guard let sequence else { throw .notFound("usage record \(usage)") }
    return sequence
  }

  func report(_ delivery: ServerDelivery) -> DeliveryReport {
    if let outcome = delivery.outcome { return DeliveryReport(delivery: delivery, state: outcome.state, bytes: outcome.bytes) }
    let progress = deliveries.progress(of: delivery.order.id)
    return DeliveryReport(delivery: delivery, state: progress?.state ?? .accepted, bytes: progress?.bytes ?? 0)
  }

  func read<T: Sendable>(_ query: (any ServerStore) async throws(ServerStoreError) -> T) async throws(ServerFailure) -> T {
    do throws(ServerStoreError) { return try await query(ports.store) } catch { throw ServerFailure(error) }
  }
}
