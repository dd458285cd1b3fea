/// The way to the server, step by step: name, route, TCP, TLS.
package enum ServerRule {
  package enum Connection: Sendable, Hashable {
    case connected
    case refused
    case noRoute(String)
    case silent(seconds: Int)
    case other(String)
  }

  /// Why a server's certificate is not taken.
  package enum Verdict: Sendable, Hashable {
    case expired, early, otherName, unknownIssuer, other
  }

  package enum Handshake: Sendable, Hashable {
    /// It stands, and the server has not refused our certificate.
    case stands
    /// We refuse the server.
    case untrusted(Verdict, String)
    /// The server refuses us.
    case refused(String)
    /// It does not speak TLS, or not our protocol.
    case foreign(String)
    /// Files of ours are wrong.
    case own(String)
  }

  package static func noName(_ host: String, why: String, resolvers: [String]) -> Finding {
    let known = resolvers.isEmpty ? "/etc/resolv.conf names no resolver" : "/etc/resolv.conf names \(resolvers.joined(separator: ", "))"
    return Finding(
      .dnsFailed, subject: host, evidence: "\(host) has no address: \(why); \(known)",
      remedy: "put a resolver that answers into /etc/resolv.conf (nameserver ADDRESS), or the server's address into /etc/hosts (ADDRESS \(host))")
  }

  package static func finding(_ connection: Connection, server: String, address: String, defaultRoutes: [String]) -> Finding? {
    let known = defaultRoutes.isEmpty ? "there is no default route" : "the default route is by \(defaultRoutes.joined(separator: ", "))"
    return switch connection {
    case .connected: nil
    case .noRoute(let why):
      Finding(
        .noRoute, subject: server, evidence: "\(address): \(why); \(known)",
        remedy: "give this machine a route to \(address): ip route add default via GATEWAY, or see to its DHCP")
    case .refused:
      Finding(
        .serverUnreachable, subject: server, evidence: "\(address) refuses connections to that port: nothing listens there",
        remedy: "start cpnsd there (systemctl start cpnsd), or set the right port in uplink.server")
    case .silent(let seconds):
      Finding(
        .serverUnreachable, subject: server, evidence: "\(address) did not answer within \(seconds) s",
        remedy: "see that the server is on, and that no firewall between drops its port")
    case .other(let why):
      Finding(.serverUnreachable, subject: server, evidence: "\(address): \(why)", remedy: "see that the server is on and can be reached (ping \(address))")
    }
  }

  /// - Parameters:
  ///   - host: whom the certificate had to be for.
  ///   - names: that it is for.
  package static func finding(_ handshake: Handshake, server: String, host: String, names: String) -> Finding? {
    switch handshake {
    case .stands: nil
    case .untrusted(.expired, let why):
      Finding(.serverCertificateExpired, subject: server, evidence: why, remedy: "restart cpnsd on the server (systemctl restart cpnsd): it renews its certificate at its start")
    case .untrusted(.early, let why):
      Finding(.serverCertificateEarly, subject: server, evidence: why, remedy: "set the clock that is wrong, here or at the server: timedatectl set-ntp true")
    case .untrusted(.otherName, let why):
      Finding(
        .serverNameWrong, subject: server, evidence: why,
        remedy: "add \"\(host)\" to names under [uplink] in the server's cpnsd.toml and restart cpnsd, or set uplink.server here to a name that it has (\(names))")
    case .untrusted(_, let why):
      Finding(
        .serverUntrusted, subject: server, evidence: why,
        remedy: "if this is the right server, it was made anew: enrol again (cpnsd claim new there, pngwctl enrol CODE@\(server) here); if not, set uplink.server")
    case .refused(let why):
      Finding(.gatewayRefused, subject: server, evidence: why, remedy: "enrol again: cpnsd claim new on the server, then here: pngwctl enrol CODE@\(server)")
    case .foreign(let why):
      Finding(.serverNotCPNS, subject: server, evidence: why, remedy: "set uplink.server to the port of the server's uplink (usually 7420)")
    case .own(let why):
      Finding(.certificateUnfit, evidence: why, remedy: "enrol again: cpnsd claim new on the server, then here: pngwctl enrol CODE@\(server)")
    }
  }

  /// `nameserver` lines of resolv.conf(5).
  package static func resolvers(_ text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      return words.count > 1 && words[0] == "nameserver" ? String(words[1]) : nil
    }
  }
}
