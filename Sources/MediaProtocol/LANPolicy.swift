/// Whom a worker may contact: the devices of its own network, at the address that they spoke from, and nobody else.
package struct LANPolicy: Hashable, Sendable {
  /// Our own address on the network, and the length of its prefix in bits.
  package let local: IPAddress
  package let prefix: Int
  /// Contacted although a rule forbids it: for devices in tests, which live on the loopback interface.
  private let exceptions: Set<IPAddress>

  package init(local: IPAddress, prefix: Int, exceptions: Set<IPAddress> = []) {
    self.local = local
    self.prefix = prefix
    self.exceptions = exceptions
  }

  /// Whether a packet from there is from a device of this network.
  package func check(source: IPAddress) throws(LANRefusal) {
    if exceptions.contains(source) { return }
    if let kind = Self.kind(source) { throw .forbidden("\(source)", kind) }
    if source == local { throw .forbidden("\(source)", "our own address") }
    guard source.shares(prefix: prefix, with: local) else { throw .outside("\(source)", network: network) }
    if isEdge(source) { throw .forbidden("\(source)", "the network's broadcast address") }
  }

  /// Whether `url`, which the device at `source` gave, may be contacted.
  ///
  /// The host must be the device itself: a device has no business to send us to its neighbours.
  package func check(_ url: LANURL, from source: IPAddress) throws(LANRefusal) {
    if !exceptions.contains(url.host) {
      if let kind = Self.kind(url.host) { throw .forbidden("\(url.host)", kind) }
      if url.host == local { throw .forbidden("\(url.host)", "our own address") }
    }
    guard url.host == source else { throw .otherHost("\(url.host)", expected: "\(source)") }
    try check(source: source)
  }

  private var network: String { "the network of \(local)/\(prefix)" }

  /// All host bits 0 or all 1 (RFC 919, 7), where the prefix leaves room for that.
  private func isEdge(_ address: IPAddress) -> Bool {
    guard address.isIPv4, prefix < 31 else { return false }
    let value = address.bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let hosts = prefix <= 0 ? UInt32.max : UInt32.max >> UInt32(prefix)
    return value & hosts == 0 || value & hosts == hosts
  }

  private static func kind(_ address: IPAddress) -> String? {
    if address.isLoopback { return "a loopback address" }
    if address.isUnspecified { return "no host's address" }
    if address.isMulticast { return "a multicast address" }
    if address.isReserved { return "a broadcast or reserved address" }
    if address.isMappedIPv4 { return "an IPv4 address written as IPv6" }
    // Where clouds keep credentials.
    if address == IPAddress(169, 254, 169, 254) { return "the metadata service" }
    return nil
  }
}
