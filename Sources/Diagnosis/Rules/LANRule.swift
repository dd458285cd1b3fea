/// The networks that devices are on.
package enum LANRule {
  /// SSDP (UPnP Device Architecture 1.1, 1) and mDNS (RFC 6762).
  package static let ssdp = (group: "239.255.255.250", port: 1900)
  package static let mdns = (group: "224.0.0.251", port: 5353)

  package struct Interface: Sendable, Hashable {
    package var name: String
    package var isUp: Bool
    /// It has a cable, or is associated.
    package var hasCarrier: Bool
    package var address: String?
    package var isLoopback: Bool
    package var hasMulticast: Bool
    /// Without a LAN: a tunnel, PPP.
    package var isPointToPoint: Bool

    package init(
      name: String, isUp: Bool, hasCarrier: Bool, address: String?, isLoopback: Bool = false, hasMulticast: Bool = true, isPointToPoint: Bool = false
    ) {
      self.name = name
      self.isUp = isUp
      self.hasCarrier = hasCarrier
      self.address = address
      self.isLoopback = isLoopback
      self.hasMulticast = hasMulticast
      self.isPointToPoint = isPointToPoint
    }

    package var isUsable: Bool { isUp && hasCarrier && address != nil && hasMulticast && !isLoopback }
  }

  package enum RoundTrip: Sendable, Hashable {
    case back
    case lost
    case failed(String)
  }

  /// - Parameter wanted: from the configuration; empty: all with a LAN behind them.
  package static func findings(_ all: [Interface], wanted: [String]) -> [Finding] {
    let lans = all.filter { !$0.isLoopback && !$0.isPointToPoint && $0.hasMulticast }
    if !wanted.isEmpty {
      return wanted.flatMap { name in
        all.first { $0.name == name }.map(finding) ?? [Finding(
          .interfaceMissing, subject: name, evidence: "there is no interface \(name); there are \(all.map(\.name).joined(separator: ", "))",
          remedy: "plug it in, or name one that is there in proxy.interfaces of pngw.toml")]
      }
    }
    guard !lans.contains(where: \.isUsable) else { return [] }
    return lans.isEmpty
      ? [Finding(.interfaceMissing, evidence: "there is no interface with a LAN; there are \(all.map(\.name).joined(separator: ", "))", remedy: "plug a network interface in")]
      : lans.flatMap(finding)
  }

  private static func finding(_ interface: Interface) -> [Finding] {
    let name = interface.name
    if !interface.isUp { return [Finding(.interfaceDown, subject: name, evidence: "\(name) is switched off", remedy: "run: ip link set \(name) up")] }
    if !interface.hasCarrier { return [Finding(.interfaceDown, subject: name, evidence: "\(name) has no carrier", remedy: "put the cable of \(name) in, or see to its Wi-Fi")] }
    if interface.address == nil {
      return [Finding(
        .interfaceWithoutAddress, subject: name, evidence: "\(name) has no IPv4 address", remedy: "see to the DHCP of \(name), or: ip addr add ADDRESS/PREFIX dev \(name)")]
    }
    return []
  }

  package static func finding(_ trip: RoundTrip, of service: (group: String, port: Int), on interface: String) -> Finding? {
    switch trip {
    case .back: nil
    case .lost:
      Finding(
        .multicastLost, subject: interface, evidence: "what was sent to \(service.group) port \(service.port) on \(interface) did not come back",
        remedy: "see to the firewall here (nft list ruleset): it has to accept udp dport \(service.port) on \(interface)")
    case .failed(let why):
      Finding(
        .multicastLost, subject: interface, evidence: "multicast to \(service.group) port \(service.port) on \(interface): \(why)",
        remedy: "see that \(interface) is up, has an address and may do multicast: ip link set \(interface) up multicast on")
    }
  }

  package static func finding(_ drop: Ruleset.Drop, of service: (group: String, port: Int), on interface: String) -> Finding {
    Finding(
      .firewallDrops, subject: interface, evidence: "\(drop.words) drops UDP to port \(service.port) on \(interface)", remedy: "run: \(drop.command)")
  }

  /// - Parameter groups: as ``ProcNet/groups(_:)`` reads them.
  package static func notJoined(_ interfaces: [String], groups: [String: Set<String>]) -> [Finding] {
    interfaces.filter { groups[$0]?.contains(ssdp.group) != true }.map { name in
      Finding(
        .groupNotJoined, subject: name, evidence: "nobody on this machine is a member of \(ssdp.group) on \(name), so no worker of pngwd listens there",
        remedy: "run: systemctl restart pngwd")
    }
  }
}
