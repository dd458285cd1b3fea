import Foundation
import OpenSSLTLS

/// A CPNS Server's trust anchor and what it issues, in a folder of its own.
final class Authority: Sendable {
  let folder: String
  let anchorKey: PrivateKey
  let anchor: X509Certificate

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("pngw-tls-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    anchorKey = try PrivateKey.generate()
    anchor = try PKI.makeAnchor(name: "test anchor", key: anchorKey)
    try write(anchor.pem, "ca.pem")
  }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  var anchorPath: String { folder + "/ca.pem" }

  @discardableResult
  func write(_ bytes: [UInt8], _ name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
    return folder + "/" + name
  }

  /// Paths of the server's chain and key.
  func server(names: [String] = ["localhost", "127.0.0.1"]) throws -> (certificate: String, key: String) {
    let key = try PrivateKey.generate()
    let certificate = try PKI.issueServer(names: names, key: key, anchor: anchor, anchorKey: anchorKey)
    return (try write(certificate.pem + anchor.pem, "server.pem"), try write(key.pem, "server-key.pem"))
  }

  /// Paths of the gateway's certificate and key.
  func gateway(uri: String) throws -> (certificate: String, key: String) {
    let key = try PrivateKey.generate()
    let request = try PKI.request(uri: uri, name: "gateway", key: key)
    let certificate = try PKI.issueGateway(request: request, uri: uri, anchor: anchor, anchorKey: anchorKey)
    return (try write(certificate.pem, "gateway.pem"), try write(key.pem, "gateway-key.pem"))
  }
}
