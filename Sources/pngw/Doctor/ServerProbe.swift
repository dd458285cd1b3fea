import CPNSModel
import Diagnosis
import Glibc
import LinkTransport
import OpenSSLTLS

/// The way to the server: name, route and TCP, TLS. Each step uses what the one before found.
final class ServerProbe {
  private static let connectSeconds = 5
  /// Addresses of a name that are tried.
  private static let mostAddresses = 4

  private let doctor: Doctor
  private let server: String?
  private let place: (host: String, port: Int)?
  private var addresses: [SocketEnd] = []
  private var connected: SocketEnd?

  init(_ doctor: Doctor) {
    self.doctor = doctor
    server = doctor.serverName
    place = server.flatMap(LinkConnector.split)
  }

  private var unknown: String { doctor.configuration == nil ? Doctor.needsConfiguration : "no CPNS Server is known" }

  func names() -> Examination {
    guard let place else { return Examination("dns", skipped: unknown) }
    switch SocketEnd.lookUp(place.host, port: place.port) {
    case .success(let found):
      addresses = Array(found.prefix(Self.mostAddresses))
      return Examination("dns", seen: ["\(place.host) is \(addresses.map(\.text).joined(separator: ", "))"])
    case .failure(let failure):
      let resolvers = ServerRule.resolvers(SmallFile.text("/etc/resolv.conf") ?? "")
      return Examination("dns", findings: [ServerRule.noName(place.host, why: failure.text, resolvers: resolvers)])
    }
  }

  func route() -> Examination {
    guard let server, place != nil else { return Examination("route", skipped: unknown) }
    guard !addresses.isEmpty else { return Examination("route", skipped: "the server has no address") }
    var findings: [Finding] = []
    for address in addresses {
      let connection = address.connect(within: Self.connectSeconds)
      if case .connected = connection.result {
        connected = address
        connection.close()
        return Examination("route", seen: ["\(address.text) takes connections" + (address.source.map { ", from here by \($0)" } ?? "")])
      }
      let defaults = ProcNet.defaultRoutes(SmallFile.text("/proc/net/route") ?? "")
      if let finding = ServerRule.finding(connection.result, server: server, address: address.text, defaultRoutes: defaults) { findings.append(finding) }
    }
    // The first address is the one that the system prefers.
    return Examination("route", findings: Array(findings.prefix(1)))
  }

  func tls() -> Examination {
    guard let server, let place, let files = doctor.files else { return Examination("tls", skipped: unknown) }
    guard let connected else { return Examination("tls", skipped: "the server can't be reached") }
    guard DurableFile.exists(files.certificate), DurableFile.exists(files.trustAnchor) else { return Examination("tls", skipped: "there is no certificate of ours") }
    let connection = connected.connect(within: Self.connectSeconds)
    defer { connection.close() }
    guard case .connected = connection.result else { return Examination("tls", skipped: "the server has stopped taking connections") }
    do throws(TLSError) {
      let context = try TLSContext.client(certificate: files.certificate, key: files.privateKey, trust: .anchor(path: files.trustAnchor), alpn: .cpns)
      let probe = try TLSProbe(descriptor: connection.descriptor, context: context, host: place.host, now: doctor.now.milliseconds / 1000)
      let names = probe.chain.first?.names ?? "none"
      let seen = probe.chain.enumerated().map { "certificate \($0.offset + 1): \(Doctor.words($0.element))" } + (probe.chain.isEmpty ? [] : ["names: \(names)"])
      return Examination("tls", seen: seen, findings: ServerRule.finding(.init(probe.outcome), server: server, host: place.host, names: names).map { [$0] } ?? [])
    } catch {
      // The step before has told what is wrong with them.
      return Examination("tls", skipped: error.description)
    }
  }
}

extension ServerRule.Handshake {
  init(_ outcome: TLSProbe.Outcome) {
    self =
      switch outcome {
      case .stands: .stands
      case .refused(let why): .refused(why)
      case .foreign(let why): .foreign(why)
      case .untrusted(let verdict, let why): .untrusted(.init(verdict), why)
      }
  }
}

extension ServerRule.Verdict {
  init(_ verdict: TLSProbe.Verdict) {
    self =
      switch verdict {
      case .expired: .expired
      case .early: .early
      case .otherName: .otherName
      case .unknownIssuer: .unknownIssuer
      case .other: .other
      }
  }
}
