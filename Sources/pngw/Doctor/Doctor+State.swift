import CPNSModel
import Configuration
import Diagnosis
import GatewayCore
import Glibc
import OpenSSLTLS
import SQLiteStore

/// The state directory: permissions, room, certificates.
extension Doctor {
  private static let keyFiles = ["key.pem", "pngw.db", "pngw.db-wal", "pngw.db-shm", "audit.log"]

  /// Who pngwd runs as: as told, as whoever serves the socket, as the package makes it, as who asks.
  var user: StateRule.User {
    if let name = options.user, let id = Self.userID(name) { return .init(name: name, id: id) }
    if let id = gateway.user { return .init(name: Self.userName(id), id: id) }
    if let id = Self.userID("pngw") { return .init(name: "pngw", id: id) }
    return .init(name: Self.userName(geteuid()), id: geteuid())
  }

  func permissions() -> Examination {
    guard let configuration else { return Examination("permissions", skipped: Self.needsConfiguration) }
    let directory = configuration.state.directory
    guard let folder = Self.facts(directory) else { return Examination("permissions", findings: [StateRule.missing(directory, user: user)]) }
    let keys = Self.keyFiles.map { directory + "/" + $0 } + [configuration.uplink.privateKey].filter { $0.hasPrefix("/") }
    let files = [folder] + (keys + [directory + "/content", directory + "/certificate.pem", directory + "/trust-anchor.pem"]).compactMap(Self.facts)
    return Examination(
      "permissions", seen: ["\(directory) and \(files.count - 1) files in it, for the user \(user.name)"],
      findings: StateRule.findings(files, keys: Set(keys), user: user))
  }

  func disk() -> Examination {
    guard let configuration else { return Examination("disk", skipped: Self.needsConfiguration) }
    let directory = configuration.state.directory
    let machine = ThisMachine(stateDirectory: directory, places: CredentialPlaces(CredentialFiles(stateDirectory: directory)))
    guard let space = machine.disk else { return Examination("disk", skipped: "\(directory): \(String(cString: strerror(errno)))") }
    return Examination(
      "disk", seen: ["\(directory): \(space.free >> 20) MiB free of \(space.total >> 20) MiB"],
      findings: DiskRule.findings(free: space.free, total: space.total, directory: directory) + Self.wear)
  }

  /// eMMC tells how much of its life is used.
  private static var wear: [Finding] {
    (0..<4).flatMap { number in
      let device = "mmcblk\(number)"
      return SmallFile.text("/sys/block/\(device)/device/life_time").map { DiskRule.wear($0, device: device) } ?? []
    }
  }

  // MARK: Certificates

  var files: CredentialFiles? {
    configuration.map { CredentialFiles($0) }
  }

  /// `HOST:PORT` of the configuration, else of the enrolment.
  var serverName: String? {
    guard let configuration else { return nil }
    return configuration.uplink.server.isEmpty ? database?.server : configuration.uplink.server
  }

  func certificates() -> Examination {
    guard let files else { return Examination("certificates", skipped: Self.needsConfiguration) }
    let isThere = DurableFile.exists(files.certificate)
    guard let serverName else {
      guard database?.verdict == .sound || database?.verdict == .absent else { return Examination("certificates", skipped: "the database can't be read") }
      return Examination("certificates", findings: [Finding(
        .notEnrolled, evidence: "no CPNS Server is known", remedy: "run cpnsd claim new on the server, then here: pngwctl enrol CODE@HOST:PORT")])
    }
    let again = "enrol again: cpnsd claim new on the server, then here: pngwctl enrol CODE@\(serverName)"
    guard isThere else {
      return Examination("certificates", findings: [Finding(.certificateMissing, subject: files.certificate, evidence: "there is no \(files.certificate)", remedy: again)])
    }
    guard DurableFile.exists(files.trustAnchor) else {
      return Examination("certificates", findings: [Finding(.anchorMissing, subject: files.trustAnchor, evidence: "there is no \(files.trustAnchor)", remedy: again)])
    }
    return read(files, again)
  }

  private func read(_ files: CredentialFiles, _ again: String) -> Examination {
    do throws(TLSError) {
      let own = try X509Certificate(pem: try DurableFile.read(files.certificate))
      let anchor = try X509Certificate(pem: try DurableFile.read(files.trustAnchor))
      let lifetimes = [("gateway", own), ("trust-anchor", anchor)].flatMap { use, one in
        CertificateRule.lifetime(use, begins: Timestamp(milliseconds: one.notBefore * 1000), ends: Timestamp(milliseconds: one.notAfter * 1000), now: now)
      }
      let fits = try own.fits(PrivateKey.load(files.privateKey))
      let unfit = fits ? [] : [Self.unfit(files)]
      return Examination("certificates", seen: [Self.words(own), Self.words(anchor)], findings: lifetimes + unfit)
    } catch {
      return Examination("certificates", findings: [Finding(.certificateUnfit, evidence: error.description, remedy: again)])
    }
  }

  private static func unfit(_ files: CredentialFiles) -> Finding {
    // The server knows a gateway by its key: enrolling with another one is refused.
    Finding(
      .certificateUnfit, subject: files.certificate, evidence: "\(files.certificate) is for another key than \(PrivateKey.shown(files.privateKey))",
      remedy: "put back the key that belongs to it, from a backup; if it is lost, begin anew: stop pngwd, remove pngw.db, key.pem and certificate.pem "
        + "from the state directory, start pngwd, and enrol")
  }

  static func words(_ certificate: X509Certificate) -> String {
    func day(_ seconds: Int64) -> String { String(Timestamp(milliseconds: seconds * 1000).iso8601.prefix(10)) }
    return "\(certificate.summary), \(day(certificate.notBefore)) to \(day(certificate.notAfter))"
  }

  // MARK: The system

  private static func facts(_ path: String) -> StateRule.FileFacts? {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return nil }
    return .init(path: path, owner: facts.st_uid, mode: facts.st_mode & 0o7777, isDirectory: facts.st_mode & S_IFMT == S_IFDIR)
  }

  private static func userID(_ name: String) -> UInt32? { getpwnam(name)?.pointee.pw_uid }
  private static func userName(_ id: UInt32) -> String { getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? "\(id)" }
}
