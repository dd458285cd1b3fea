import Configuration
import Diagnosis
import FoundationEssentials
import Glibc
import ServiceManager

/// The LAN, and the other programs on this machine that share it.
extension Doctor {
  private static let services = [("SSDP", LANRule.ssdp), ("mDNS", LANRule.mdns)]

  private var wanted: [String] { configuration?.proxy.interfaces ?? [] }

  /// Those that the gateway listens on.
  private var usable: [LANRule.Interface] {
    Interface.all().filter { $0.isUsable && (wanted.isEmpty ? !$0.isPointToPoint : wanted.contains($0.name)) }
  }

  func interfaces() -> Examination {
    guard let configuration else { return Examination("interfaces", skipped: Self.needsConfiguration) }
    guard configuration.proxy.isEnabled else { return Examination("interfaces", skipped: "the Non-CPNS Proxy is switched off") }
    let all = Interface.all()
    return Examination(
      "interfaces", seen: all.filter { !$0.isLoopback }.map { "\($0.name): \($0.isUp ? $0.hasCarrier ? "up" : "no carrier" : "off"), \($0.address ?? "no address")" },
      findings: LANRule.findings(all, wanted: wanted))
  }

  func multicast() -> Examination {
    let interfaces = usable
    guard !interfaces.isEmpty else { return Examination("multicast", skipped: "there is no interface to try it on") }
    var step = Examination("multicast")
    for interface in interfaces {
      for (name, service) in Self.services {
        let trip = MulticastProbe(group: service.group, port: service.port, address: interface.address ?? "").run(Self.message(name))
        if let finding = LANRule.finding(trip, of: service, on: interface.name) { step.findings.append(finding) } else { step.seen.append("\(name) on \(interface.name): back") }
      }
    }
    return step
  }

  /// A search for a device and a question for a service that nobody has.
  private static func message(_ service: String) -> [UInt8] {
    let mark = UUID().uuidString.lowercased()
    if service == "SSDP" {
      return Array("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: uuid:\(mark)\r\n\r\n".utf8)
    }
    let labels = ["_pngw-\(mark.prefix(8))", "_tcp", "local"]
    return [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + labels.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0, 0, 12, 0, 1]
  }

  func firewall() -> Examination {
    let interfaces = usable
    guard let ruleset = Self.ruleset() else { return Examination("firewall", skipped: "nft is not there, or may not be asked; try as root") }
    var step = Examination("firewall")
    for interface in interfaces {
      for (_, service) in Self.services {
        let packet = Ruleset.Packet(interface: interface.name, destination: service.group, port: service.port)
        if let drop = ruleset.drop(of: packet) { step.findings.append(LANRule.finding(drop, of: service, on: interface.name)) }
      }
    }
    if step.findings.isEmpty { step.seen = ["no rule drops SSDP or mDNS"] }
    return step
  }

  private static func ruleset() -> Ruleset? {
    guard let output = Subprocess.output("nft", ["--json", "--handle", "list", "ruleset"]) else { return nil }
    return Ruleset(json: output)
  }

  func groups() -> Examination {
    guard let configuration, configuration.proxy.isEnabled else { return Examination("groups", skipped: "the Non-CPNS Proxy is switched off") }
    guard gateway.software != nil else { return Examination("groups", skipped: "the gateway does not answer") }
    let names = usable.map(\.name)
    let groups = ProcNet.groups(SmallFile.text("/proc/net/igmp") ?? "")
    let findings = LANRule.notJoined(names, groups: groups)
    return Examination("groups", seen: findings.isEmpty ? names.map { "\($0): member of \(LANRule.ssdp.group)" } : [], findings: findings)
  }

  // MARK: Neighbours

  func responders() -> Examination {
    if configuration?.mdns.isEnabled == false { return Examination("mdns", skipped: "the gateway is not announced: mdns.enabled = false") }
    let isAvahiThere = SystemBus.hasOwner("org.freedesktop.Avahi")
    let holders = Sockets.holders(of: 5353, ["udp", "udp6"], wildcardOnly: true)
    let findings = NeighbourRule.responders(holders, isAvahiThere: isAvahiThere)
    return Examination("mdns", seen: isAvahiThere == true ? ["avahi-daemon is on the system bus"] : [], findings: findings)
  }

  func bluetooth() -> Examination {
    let adapters = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/bluetooth")) ?? []  // the kernel has none: no folder
    let isThere = SystemBus.hasOwner("org.bluez")
    return Examination(
      "bluetooth", seen: isThere == true ? ["bluetoothd is on the system bus; adapters: \(adapters.isEmpty ? "none" : adapters.joined(separator: ", "))"] : [],
      findings: NeighbourRule.bluetooth(adapters: adapters.sorted(), isDaemonThere: isThere))
  }

  /// Whether pngwd can have its ports. TCP only while it is down; UDP 1900 always, because its workers share it.
  func ports() -> Examination {
    guard let configuration else { return Examination("ports", skipped: Self.needsConfiguration) }
    var findings: [Finding] = []
    if !gateway.isThere {
      for (port, purpose, key) in [(configuration.elements.port, "PNEs", "elements.port"), (configuration.relay.port, "media devices", "relay.port")] where port != 0 {
        guard Sockets.isTaken(port, CInt(SOCK_STREAM.rawValue)) else { continue }
        findings.append(NeighbourRule.port(port, "TCP", purpose: purpose, key: key, holder: Sockets.holders(of: port, ["tcp", "tcp6"]).first))
      }
    }
    if configuration.proxy.isEnabled, Sockets.isTaken(LANRule.ssdp.port, CInt(SOCK_DGRAM.rawValue)) {
      let holder = Sockets.holders(of: LANRule.ssdp.port, ["udp", "udp6"]).first
      findings.append(NeighbourRule.port(LANRule.ssdp.port, "UDP", purpose: "UPnP", key: "proxy.enabled", holder: holder))
    }
    return Examination("ports", seen: findings.isEmpty ? [gateway.isThere ? "UDP 1900 can be shared" : "free"] : [], findings: findings)
  }
}
