import CPNSModel
import Configuration
import Glibc
import OpenSSLTLS
import SQLiteStore
import ServerCore

/// What the server keeps, and how it comes to be at the first start.
///
///     anchor-key.pem ─▶ anchor.pem ─▶ key.pem ─▶ certificate.pem ─▶ api-token ─▶ cpnsd.db
///
/// In this order, so that a start that was cut short goes on where it was.
struct StateFolder: Sendable {
  let path: String

  init(_ path: String) { self.path = path }

  var database: String { path + "/cpnsd.db" }
  var contents: String { path + "/content" }
  var anchorFile: String { path + "/anchor.pem" }
  var certificateFile: String { path + "/certificate.pem" }
  var keyFile: String { path + "/key.pem" }
  private var anchorKeyFile: String { path + "/anchor-key.pem" }
  private var tokenFile: String { path + "/api-token" }

  /// For the commands that need a server that has been started once: what they made before it would belong to another user.
  func anchor() throws(StartFailure) -> X509Certificate {
    guard DurableFile.exists(anchorFile) else {
      throw .unavailable("\(anchorFile) can't be seen; start the server first (it makes it), and run this as its user or root")
    }
    do throws(TLSError) { return try X509Certificate(pem: try DurableFile.read(anchorFile)) } catch { throw .configuration(error.description) }
  }

  // MARK: The first start

  func make() throws(StartFailure) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw .configuration("the state directory \(path): \(String(cString: strerror(errno))); make it, or set state.directory")
    }
  }

  /// Makes what is not there. A server's certificate is made anew when its names have changed or its time is nearly over.
  func authority(_ configuration: ServerConfiguration, clock: WallClock) throws(StartFailure) -> Authority {
    let now = clock.now().milliseconds / 1000
    do throws(TLSError) {
      let (anchor, anchorKey) = try makeAnchor(configuration.name, now)
      let key = try key(keyFile)
      let wanted = try PKI.issueServer(names: configuration.uplink.names, key: key, anchor: anchor, anchorKey: anchorKey, now: now)
      if try needsCertificate(wanted, key, anchor, now) {
        // With the anchor behind it: a gateway that enrols knows only the anchor's fingerprint.
        try DurableFile.write(wanted.pem + anchor.pem, to: certificateFile, mode: 0o644)
      }
      return Authority(anchor: anchor, key: anchorKey, days: configuration.uplink.gatewayCertificateDays, clock: clock)
    } catch { throw .configuration(error.description) }
  }

  private func makeAnchor(_ serverName: String, _ now: Int64) throws(TLSError) -> (X509Certificate, PrivateKey) {
    let isNew = !DurableFile.exists(anchorFile)
    // A new anchor would lock out every gateway that has enrolled.
    if isNew, DurableFile.exists(database) { throw .configuration("\(anchorFile) is gone; restore it and \(anchorKeyFile) from a backup") }
    if !isNew, !DurableFile.exists(anchorKeyFile) { throw .configuration("\(anchorKeyFile) is gone; restore it from a backup") }
    let anchorKey = try key(anchorKeyFile)
    if isNew { try DurableFile.write(try PKI.makeAnchor(name: "\(serverName) trust anchor", key: anchorKey, now: now).pem, to: anchorFile, mode: 0o644) }
    let anchor = try X509Certificate(pem: try DurableFile.read(anchorFile))
    guard anchor.fits(anchorKey) else { throw .configuration("\(anchorKeyFile) is not the key of \(anchorFile); restore both from a backup") }
    return (anchor, anchorKey)
  }

  private func key(_ path: String) throws(TLSError) -> PrivateKey {
    if !DurableFile.exists(path) { try DurableFile.write(try PrivateKey.generate().pem, to: path) }
    return try PrivateKey.load(path)
  }

  /// A certificate that ends sooner than this is made anew at the start.
  private static let renewalSeconds: Int64 = 90 * 86_400

  private func needsCertificate(_ wanted: X509Certificate, _ key: PrivateKey, _ anchor: X509Certificate, _ now: Int64) throws(TLSError) -> Bool {
    guard DurableFile.exists(certificateFile) else { return true }
    let present = try X509Certificate(pem: try DurableFile.read(certificateFile))
    return present.names != wanted.names || !present.fits(key) || !present.isIssued(by: anchor)
      || present.notAfter - Self.renewalSeconds < now
  }

  /// What applications show (`Authorization: Bearer …`).
  func token() throws(StartFailure) -> [UInt8] {
    do throws(TLSError) {
      if !DurableFile.exists(tokenFile) { try DurableFile.write(Array((Hex.text(Cryptography.random(32)) + "\n").utf8), to: tokenFile) }
      let token = try DurableFile.read(tokenFile).filter { $0 > 32 }
      guard token.count >= 16 else { throw .configuration("\(tokenFile) holds no token of 16 characters or more; remove it, and a new one is made") }
      return token
    } catch { throw .configuration(error.description) }
  }

  // MARK: The database

  /// Whether a server runs on this state.
  var isInUse: Bool {
    let descriptor = open(database + ".lock", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_EX | LOCK_NB) != 0
  }

  /// For a command, beside a server that runs or alone.
  func withStore<T>(_ body: (SQLiteServerStore) async throws(ServerFailure) -> T) async throws(StartFailure) -> T {
    let store: SQLiteServerStore
    do throws(ServerStoreError) { store = try SQLiteServerStore(path: database, opening: .besideOwner) } catch { throw StartFailure(error) }
    let result: Result<T, StartFailure>
    do throws(ServerFailure) { result = .success(try await body(store)) } catch { result = .failure(StartFailure(error)) }
    await store.close()
    return try result.get()
  }
}
