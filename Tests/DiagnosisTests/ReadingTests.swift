import Diagnosis
import Testing

@Suite struct ProcNetTests {
  @Test func groupsAreReadByInterface() {
    let text = """
      Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
      1\tlo        :     1      V3
      \t\t\t\t010000E0     1 0:00000000\t\t0
      2\teth0      :     2      V3
      \t\t\t\tFAFFFFEF     1 0:00000000\t\t0
      \t\t\t\tFB0000E0     1 0:00000000\t\t0
      """
    #expect(ProcNet.groups(text) == ["lo": ["224.0.0.1"], "eth0": ["239.255.255.250", "224.0.0.251"]])
    #expect(LANRule.notJoined(["eth0", "lo"], groups: ProcNet.groups(text)).map(\.subject) == ["lo"])
  }

  @Test func socketsAreReadWithTheirInodes() {
    let text = """
        sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
         0: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0 0
         1: 0100007F:1CFD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 0
      """
    #expect(ProcNet.sockets(text) == [
      .init(port: 5353, isWildcard: true, isListening: false, inode: 4711), .init(port: 7421, isWildcard: false, isListening: true, inode: 4712),
    ])
    #expect(ProcNet.inode("socket:[4711]") == 4711)
  }

  @Test(arguments: ["", "\n\n", "sl\n0: x:y z", "sl\n0: 00000000:FFFFF 0 0 0 0 0 0 0 0", "\t\t\tzzzzzzzz", "Idx\n\t\t\t\tFAFFFFEF"])
  func whatMakesNoSenseIsLeftOut(_ text: String) {
    #expect(ProcNet.sockets(text).isEmpty && ProcNet.groups(text).keys.allSatisfy { $0.isEmpty } && ProcNet.defaultRoutes(text).isEmpty)
    #expect(ProcNet.inode(text) == nil && ProcNet.inode("socket:[x]") == nil && ServerRule.resolvers(text).isEmpty)
  }

  @Test func theDefaultRouteIsFound() {
    let text = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t00000000\t010A0A0A\t0003\t0\t0\t0\t00000000\neth0\t000A0A0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
    #expect(ProcNet.defaultRoutes(text) == ["eth0"])
    #expect(ServerRule.resolvers("# x\nnameserver 192.0.2.1\noptions ndots:1\nnameserver\t2001:db8::1\n") == ["192.0.2.1", "2001:db8::1"])
  }
}

@Suite struct RulesetTests {
  let ssdp = Ruleset.Packet(interface: "eth0", destination: "239.255.255.250", port: 1900)

  func ruleset(_ rules: String, policy: String = "accept", more: String = "") throws -> Ruleset {
    let json = """
      {"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "f", "handle": 1}},
      {"chain": {"family": "inet", "table": "f", "name": "input", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "\(policy)"}}
      \(more)\(rules.isEmpty ? "" : ", " + rules)]}
      """
    return try #require(Ruleset(json: Array(json.utf8)))
  }

  func rule(_ handle: Int, _ expressions: String, chain: String = "input") -> String {
    #"{"rule": {"family": "inet", "table": "f", "chain": "\#(chain)", "handle": \#(handle), "expr": [\#(expressions)]}}"#
  }
  let port = #"{"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "dport"}}, "right": 1900}}"#
  let drop = #"{"drop": null}"#, accept = #"{"accept": null}"#

  @Test func aRuleThatDropsIsNamedWithTheCommandThatRemovesIt() throws {
    let found = try #require(try ruleset(rule(7, port + ", " + drop)).drop(of: ssdp))
    #expect(found.command == "nft delete rule inet f input handle 7")
    #expect(LANRule.finding(found, of: LANRule.ssdp, on: "eth0").remedy == "run: nft delete rule inet f input handle 7")
    #expect(try ruleset(rule(7, port + ", " + drop)).drop(of: .init(interface: "eth0", destination: "224.0.0.251", port: 5353)) == nil)
  }

  @Test func whatIsAcceptedBeforeIsNotDropped() throws {
    #expect(try ruleset([rule(1, port + ", " + accept), rule(2, drop)].joined(separator: ",")).drop(of: ssdp) == nil)
    #expect(try ruleset([rule(1, port + ", " + #"{"counter": {"packets": 1, "bytes": 2}}, "# + drop)].joined()).drop(of: ssdp)?.handle == 1)
  }

  @Test func aPolicyThatDropsIsSeen() throws {
    #expect(try ruleset("", policy: "drop").drop(of: ssdp)?.command == "nft 'chain inet f input { policy accept; }'")
    let established = #"{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}, "# + accept
    #expect(try ruleset(rule(1, established), policy: "drop").drop(of: ssdp) != nil)
    #expect(try ruleset(rule(1, port + ", " + accept), policy: "drop").drop(of: ssdp) == nil)
  }

  @Test func jumpsAreFollowedAndLoopsEnd() throws {
    let chain = #", {"chain": {"family": "inet", "table": "f", "name": "lan", "handle": 2}}"#
    let jump = #"{"jump": {"target": "lan"}}"#
    let found = try ruleset([rule(1, jump), rule(2, port + ", " + drop, chain: "lan")].joined(separator: ","), more: chain).drop(of: ssdp)
    #expect(found?.chain == "lan" && found?.handle == 2)
    #expect(try ruleset([rule(1, jump), rule(2, jump, chain: "lan")].joined(separator: ","), more: chain).drop(of: ssdp) == nil)
  }

  @Test func setsRangesPrefixesAndInterfacesAreUnderstood() throws {
    func matches(_ left: String, _ right: String, op: String = "==") throws -> Bool {
      try ruleset(rule(1, #"{"match": {"op": "\#(op)", "left": \#(left), "right": \#(right)}}, "# + drop)).drop(of: ssdp) != nil
    }
    let dport = #"{"payload": {"protocol": "udp", "field": "dport"}}"#, daddr = #"{"payload": {"protocol": "ip", "field": "daddr"}}"#
    #expect(try matches(dport, #"{"set": [53, 1900]}"#) && matches(dport, #"{"range": [1024, 2000]}"#) && !matches(dport, #"{"set": [53]}"#))
    #expect(try matches(daddr, #"{"prefix": {"addr": "224.0.0.0", "len": 4}}"#) && !matches(daddr, #"{"prefix": {"addr": "10.0.0.0", "len": 8}}"#))
    #expect(try matches(#"{"meta": {"key": "iifname"}}"#, #""eth*""#) && !matches(#"{"meta": {"key": "iifname"}}"#, #""lo""#))
    #expect(try matches(#"{"meta": {"key": "iifname"}}"#, #""lo""#, op: "!=") && matches(#"{"meta": {"key": "pkttype"}}"#, #""multicast""#))
    #expect(try !matches(#"{"meta": {"key": "mark"}}"#, "1"), "what is not understood does not match")
  }

  @Test(arguments: ["", "{}", "[]", "null", #"{"nftables": 3}"#, #"{"nftables": [{"rule": {}}, {"chain": 1}, 5, null]}"#])
  func junkIsNoRuleset(_ text: String) {
    #expect(Ruleset(json: Array(text.utf8))?.drop(of: ssdp) == nil)
  }
}
