package import MediaProtocol

/// Which worker speaks to which device, and which devices a new worker has not found again yet.
///
/// A worker that dies takes no device with it. Only a device that its successor does not find in time has vanished.
package struct KnownDevices: Sendable {
  package typealias Instant = ContinuousClock.Instant

  /// Per interface, as in the worker.
  package static let most = 256

  private struct Entry {
    var interface: String
    /// Gone unless found again until then.
    var doubtful: Instant?
  }
  private var entries: [UDN: Entry] = [:]
  private let grace: Duration

  package init(grace: Duration) { self.grace = grace }

  package func interface(of udn: UDN) -> String? { entries[udn]?.interface }

  /// - Returns: whether there is room for it.
  package mutating func appeared(_ udn: UDN, on interface: String) -> Bool {
    guard entries[udn] != nil || entries.values.count(where: { $0.interface == interface }) < Self.most else { return false }
    entries[udn] = Entry(interface: interface)
    return true
  }

  /// - Returns: whether it was there; a device on two LANs goes with the one where it was seen last.
  package mutating func vanished(_ udn: UDN, on interface: String) -> Bool {
    guard entries[udn]?.interface == interface else { return false }
    entries[udn] = nil
    return true
  }

  /// A new worker began to look, or the interface went away.
  package mutating func doubt(_ interface: String, from now: Instant) {
    for (udn, entry) in entries where entry.interface == interface { entries[udn]?.doubtful = now + grace }
  }

  /// The worker is down and will be back: nobody looks, so nobody is missing.
  package mutating func suspend(_ interface: String) {
    for (udn, entry) in entries where entry.interface == interface { entries[udn]?.doubtful = nil }
  }

  package mutating func missing(_ now: Instant) -> [UDN] {
    let gone = entries.filter { $0.value.doubtful.map { $0 <= now } ?? false }.map(\.key)
    for udn in gone { entries[udn] = nil }
    return gone
  }

  package var deadline: Instant? { entries.values.compactMap(\.doubtful).min() }
}
