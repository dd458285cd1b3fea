import CPNSModel
import Diagnosis
import Testing

@Suite struct StateRuleTests {
  let user = StateRule.User(name: "pngw", id: 998)

  func findings(_ owner: UInt32, _ mode: UInt32, isDirectory: Bool = false, isKey: Bool = true) -> [Finding] {
    StateRule.findings([.init(path: "/s/key.pem", owner: owner, mode: mode, isDirectory: isDirectory)], keys: isKey ? ["/s/key.pem"] : [], user: user)
  }

  @Test func aFileOfSomebodyElseIsGivenBack() {
    let found = findings(0, 0o600)
    #expect(found.map(\.code) == [.statePermissions] && found[0].remedy == "run: chown pngw /s/key.pem")
  }

  @Test func whatOthersCanReadIsTakenFromThem() {
    #expect(findings(998, 0o644).map(\.remedy) == ["run: chmod 0600 /s/key.pem"] && findings(998, 0o644).map(\.code) == [.keyExposed])
    #expect(findings(998, 0o755, isDirectory: true, isKey: false).map(\.remedy) == ["run: chmod 0700 /s/key.pem"])
    #expect(findings(998, 0o600).isEmpty && findings(998, 0o644, isKey: false).isEmpty)
  }

  @Test func whatItsOwnUserCanNotUseIsOpenedForIt() {
    #expect(findings(998, 0o000).map(\.code) == [.statePermissions] && findings(998, 0o500, isDirectory: true).map(\.remedy) == ["run: chmod 0700 /s/key.pem"])
  }

  @Test func aPathIsSafeForAShell() {
    #expect(StateRule.quoted("/var/lib/pngw") == "/var/lib/pngw" && StateRule.quoted("/a b") == "'/a b'" && StateRule.quoted("x'; rm -rf /") == "'x'\\''; rm -rf /'")
    #expect(StateRule.quoted("") == "''" && StateRule.missing("/a b", user: user).remedy == "run: install -d -m 0700 -o pngw '/a b'")
  }
}

@Suite struct WayRuleTests {
  @Test func eachWayToFailHasItsCode() {
    func code(_ connection: ServerRule.Connection) -> ProblemCode? { ServerRule.finding(connection, server: "s:7420", address: "192.0.2.1", defaultRoutes: [])?.code }
    #expect(code(.connected) == nil && code(.refused) == .serverUnreachable && code(.noRoute("x")) == .noRoute && code(.silent(seconds: 5)) == .serverUnreachable)
    func tls(_ handshake: ServerRule.Handshake) -> ProblemCode? { ServerRule.finding(handshake, server: "s:7420", host: "s", names: "DNS:t")?.code }
    #expect(tls(.stands) == nil && tls(.untrusted(.expired, "")) == .serverCertificateExpired && tls(.untrusted(.early, "")) == .serverCertificateEarly)
    #expect(tls(.untrusted(.otherName, "")) == .serverNameWrong && tls(.untrusted(.unknownIssuer, "")) == .serverUntrusted && tls(.untrusted(.other, "")) == .serverUntrusted)
    #expect(tls(.refused("")) == .gatewayRefused && tls(.foreign("")) == .serverNotCPNS && tls(.own("")) == .certificateUnfit)
    #expect(ServerRule.noName("s", why: "x", resolvers: []).code == .dnsFailed)
  }

  @Test func interfacesAreFoundOut() {
    let good = LANRule.Interface(name: "eth0", isUp: true, hasCarrier: true, address: "10.0.0.2")
    let loopback = LANRule.Interface(name: "lo", isUp: true, hasCarrier: true, address: "127.0.0.1", isLoopback: true)
    func codes(_ all: [LANRule.Interface], _ wanted: [String]) -> [ProblemCode] { LANRule.findings(all, wanted: wanted).map(\.code) }
    #expect(codes([loopback, good], []) == [] && codes([loopback], []) == [.interfaceMissing] && codes([good], ["eth1"]) == [.interfaceMissing])
    #expect(codes([.init(name: "e", isUp: false, hasCarrier: false, address: nil)], []) == [.interfaceDown])
    #expect(codes([.init(name: "e", isUp: true, hasCarrier: false, address: "10.0.0.1")], ["e"]) == [.interfaceDown])
    #expect(codes([.init(name: "e", isUp: true, hasCarrier: true, address: nil), good], []) == [], "one LAN is enough, when none is named")
    #expect(codes([.init(name: "e", isUp: true, hasCarrier: true, address: nil)], ["e"]) == [.interfaceWithoutAddress])
  }

  @Test func neighboursAreFoundOut() {
    let avahi = NeighbourRule.Holder(process: 5, name: "avahi-daemon"), other = NeighbourRule.Holder(process: 6, name: "mdnsd")
    #expect(NeighbourRule.responders([avahi], isAvahiThere: true).isEmpty)
    #expect(NeighbourRule.responders([avahi, other], isAvahiThere: true).map(\.remedy) == ["run: kill 6"])
    #expect(NeighbourRule.responders([], isAvahiThere: false).map(\.code) == [.avahiMissing] && NeighbourRule.responders([], isAvahiThere: nil).map(\.code) == [.avahiMissing])
    #expect(NeighbourRule.bluetooth(adapters: [], isDaemonThere: false).map(\.severity) == [.notice])
    #expect(NeighbourRule.bluetooth(adapters: ["hci0"], isDaemonThere: nil).map(\.severity) == [.warning] && NeighbourRule.bluetooth(adapters: ["hci0"], isDaemonThere: true).isEmpty)
    #expect(NeighbourRule.port(7421, "TCP", purpose: "PNEs", key: "elements.port", holder: nil).remedy.contains("elements.port"))
  }

  @Test func theGatewayAndItsDatabaseAreFoundOut() {
    #expect(GatewayRule.finding(.absent("no socket"), socket: "/s")?.code == .gatewayDown && GatewayRule.finding(.silent(seconds: 5), socket: "/s")?.code == .gatewaySilent)
    #expect(GatewayRule.finding(.answers, socket: "/s") == nil && GatewayRule.finding(.refused("no"), socket: "/s") == nil)
    #expect(DatabaseRule.finding(.damaged("x"), path: "/a b/pngw.db")?.remedy.contains("rm -f '/a b/pngw.db' '/a b/pngw.db'-wal") == true)
    #expect(DatabaseRule.finding(.newer(found: 3, known: 2), path: "/p")?.code == .databaseNewer && DatabaseRule.finding(.foreign("x"), path: "/p")?.code == .databaseForeign)
    #expect(DatabaseRule.finding(.sound, path: "/p") == nil && DatabaseRule.finding(.absent, path: "/p") == nil && DatabaseRule.finding(.unavailable("x"), path: "/p")?.code == .storeUnavailable)
  }

  @Test func aReportIsWellUntilSomethingIsGraverThanANotice() {
    func report(_ findings: [Finding]) -> DoctorReport {
      DoctorReport(software: "t", at: Timestamp(milliseconds: 0), steps: [Examination("a", findings: findings), Examination("b", skipped: "why")])
    }
    let notice = Finding(.notEnrolled, evidence: "e", remedy: "r"), warning = Finding(.avahiMissing, evidence: "e", remedy: "r")
    #expect(report([]).isWell && report([notice]).isWell && !report([notice, warning]).isWell)
    #expect(DoctorScreen.lines(report([warning, notice])) == [.step("a", mark: "warning"), .finding(warning), .finding(notice), .step("b", mark: "skipped"), .seen("why")])
  }
}
