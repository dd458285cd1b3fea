import CPNSModel
import ElementCore
import FoundationEssentials
import Glibc
import OpenSSLTLS

/// The element's state as two small files, each whole or as it was before, readable by their owner only.
///
///     pne.json         who we are, and the pairing with its key
///     deliveries.json  what was accepted, and what the gateway has still to be told
///     lock             held while this process lives: two with one key would take the link from each other for ever
actor StateFolder: ElementStore {
  private struct Identity: Codable {
    var element: EntityID
    var reception: ServiceID
    var membership: Membership?
  }

  private nonisolated let lane = Lane("state")
  private let lock: CInt
  private let identityPath: String
  private let deliveriesPath: String
  private var identity: Identity?
  private var deliveries: [ReceivedDelivery] = []

  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  init(_ folder: String) throws(PNEFailure) {
    identityPath = folder + "/pne.json"
    deliveriesPath = folder + "/deliveries.json"
    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw .unavailable("can't make \(folder): \(String(cString: strerror(errno)))") }
    lock = open(folder + "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0 else { throw .unavailable("can't open \(folder)/lock: \(String(cString: strerror(errno)))") }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      close(lock)
      throw .unavailable("another pne runs with the state in \(folder)")
    }
  }

  deinit { close(lock) }

  func load() async throws(ElementStoreError) -> ElementState {
    let known: Identity? = try read(identityPath)
    let identity = known ?? Identity(element: .random(), reception: .random())
    if known == nil { try write(identity, to: identityPath) }
    self.identity = identity
    deliveries = try read(deliveriesPath) ?? []
    return ElementState(
      element: identity.element, reception: identity.reception, membership: identity.membership, deliveries: deliveries)
  }

  /// The pairing and the deliveries are never changed by one commit; if they were, the pairing would come first.
  func commit(_ operations: [ElementOperation]) async throws(ElementStoreError) {
    var (identity, deliveries) = (identity, deliveries)
    for operation in operations {
      switch operation {
      case .setMembership(let membership): identity?.membership = membership
      case .putDelivery(let delivery):
        if let index = deliveries.firstIndex(where: { $0.order.id == delivery.order.id }) { deliveries[index] = delivery } else { deliveries.append(delivery) }
      case .forgetDelivery(let id): deliveries.removeAll { $0.order.id == id }
      }
    }
    if let identity, identity.membership != self.identity?.membership {
      try write(identity, to: identityPath)
      self.identity = identity
    }
    if deliveries != self.deliveries {
      try write(deliveries, to: deliveriesPath)
      self.deliveries = deliveries
    }
  }

  private func read<T: Decodable>(_ path: String) throws(ElementStoreError) -> T? {
    guard DurableFile.exists(path) else { return nil }
    let bytes: [UInt8]
    do { bytes = try DurableFile.read(path) } catch { throw .unavailable(error.description) }
    do { return try JSONDecoder().decode(T.self, from: Data(bytes)) } catch {
      throw .damaged("\(path) is damaged; without it this element has to be paired anew: move it away")
    }
  }

  private func write(_ value: some Encodable, to path: String) throws(ElementStoreError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let data: Data
    do { data = try encoder.encode(value) } catch { throw .unavailable("can't encode \(path)") }
    guard data.count <= DurableFile.limit else { throw .unavailable("\(path) would be longer than \(DurableFile.limit) bytes") }
    do { try DurableFile.write(Array(data), to: path) } catch { throw .unavailable(error.description) }
  }
}
