import FoundationEssentials

/// What nftables would do to a packet: `nft --json --handle list ruleset` (libnftables-json(5)), as far as firewalls of boards use it.
///
/// A match that is not understood counts as not matching, so a drop that is reported is one: the rule's own words say so.
package struct Ruleset: Sendable {
  /// Chains followed in a row, and rules looked at; the kernel refuses loops.
  private static let deepest = 16
  private static let mostRules = 20_000

  package struct Packet: Sendable, Hashable {
    package var interface: String
    package var destination: String
    package var port: Int

    package init(interface: String, destination: String, port: Int) {
      self.interface = interface
      self.destination = destination
      self.port = port
    }
  }
  /// What drops the packet.
  package struct Drop: Sendable, Hashable {
    package var family: String
    package var table: String
    package var chain: String
    /// nil: the chain's policy.
    package var handle: Int?

    /// The command that takes it away.
    package var command: String {
      guard let handle else { return "nft 'chain \(family) \(table) \(chain) { policy accept; }'" }
      return "nft delete rule \(family) \(table) \(chain) handle \(handle)"
    }
    package var words: String {
      handle.map { "rule \($0) of chain \(chain) in table \(family) \(table)" } ?? "the policy of chain \(chain) in table \(family) \(table)"
    }
  }

  private struct Chain {
    var family: String
    var table: String
    var name: String
    var hook: String?
    var priority: Int
    var policy: String?
  }
  private struct Rule {
    var handle: Int
    var statements: [JSONTree]
  }
  private enum Verdict { case accept, drop(Int), goOn }

  private var chains: [Chain] = []
  private var rules: [String: [Rule]] = [:]

  /// - Returns: nil when it is no ruleset.
  package init?(json: [UInt8]) {
    guard let tree = try? JSONDecoder().decode(JSONTree.self, from: Data(json)), let objects = tree["nftables"]?.list else { return nil }
    for object in objects.prefix(Self.mostRules) {
      if let chain = object["chain"] { add(chain: chain) }
      if let rule = object["rule"] { add(rule: rule) }
    }
  }

  private mutating func add(chain: JSONTree) {
    guard let family = chain["family"]?.text, let table = chain["table"]?.text, let name = chain["name"]?.text else { return }
    chains.append(Chain(
      family: family, table: table, name: name, hook: chain["hook"]?.text, priority: chain["prio"]?.number ?? 0, policy: chain["policy"]?.text))
  }

  private mutating func add(rule: JSONTree) {
    guard let family = rule["family"]?.text, let table = rule["table"]?.text, let chain = rule["chain"]?.text, let handle = rule["handle"]?.number else { return }
    rules[Self.key(family, table, chain), default: []].append(Rule(handle: handle, statements: rule["expr"]?.list ?? []))
  }

  private static func key(_ family: String, _ table: String, _ chain: String) -> String { "\(family) \(table) \(chain)" }

  // MARK: Judging

  /// What drops an IPv4 UDP packet that comes in; nil when nothing does.
  package func drop(of packet: Packet) -> Drop? {
    let bases = chains.filter { ["input", "prerouting"].contains($0.hook) && ["ip", "inet"].contains($0.family) }
    for chain in bases.sorted(by: { $0.priority < $1.priority }) {
      switch run(chain.family, chain.table, chain.name, packet, Self.deepest) {
      case (.accept, _): continue
      case (.drop(let handle), let where_): return Drop(family: chain.family, table: chain.table, chain: where_, handle: handle)
      case (.goOn, _):
        if chain.policy == "drop" { return Drop(family: chain.family, table: chain.table, chain: chain.name, handle: nil) }
      }
    }
    return nil
  }

  private func run(_ family: String, _ table: String, _ chain: String, _ packet: Packet, _ depth: Int) -> (Verdict, chain: String) {
    guard depth > 0 else { return (.goOn, chain) }
    rules: for rule in rules[Self.key(family, table, chain)] ?? [] {
      for statement in rule.statements {
        if let match = statement["match"] {
          if !Self.matches(match, packet) { continue rules }
        } else if statement.has("accept") {
          return (.accept, chain)
        } else if statement.has("drop") || statement.has("reject") {
          return (.drop(rule.handle), chain)
        } else if statement.has("return") {
          return (.goOn, chain)
        } else if let target = (statement["jump"] ?? statement["goto"])?["target"]?.text {
          let (verdict, place) = run(family, table, target, packet, depth - 1)
          if case .goOn = verdict { if statement.has("goto") { return (.goOn, chain) } } else { return (verdict, place) }
        } else if !statement.isHarmless {
          continue rules
        }
      }
    }
    return (.goOn, chain)
  }

  private static func matches(_ match: JSONTree, _ packet: Packet) -> Bool {
    guard let left = match["left"], let right = match["right"], let value = value(left, packet) else { return false }
    let isIn = right.contains(value)
    return match["op"]?.text == "!=" ? !isIn : isIn
  }

  /// What the packet has where the rule looks; nil when that is not understood.
  private static func value(_ left: JSONTree, _ packet: Packet) -> String? {
    if let payload = left["payload"] {
      switch (payload["protocol"]?.text, payload["field"]?.text) {
      case ("udp", "dport"), ("th", "dport"): return "\(packet.port)"
      case ("ip", "daddr"): return packet.destination
      case ("ip", "protocol"): return "udp"
      default: return nil
      }
    }
    switch left["meta"]?["key"]?.text {
    case "iifname", "iif": return packet.interface
    case "l4proto": return "udp"
    case "nfproto": return "ipv4"
    case "pkttype": return packet.destination.hasPrefix("2") && packet.destination >= "224" ? "multicast" : "host"
    default: return nil
    }
  }
}
