import CPNSModel
import GatewayCore
import OpenSSLTLS

/// Keys and names by OpenSSL.
struct SystemSecrets: Secrets {
  func random(_ count: Int) -> [UInt8] { Cryptography.random(count) }
  func derive(key: [UInt8], salt: [UInt8], info: String) -> [UInt8] { Cryptography.hkdf(key: key, salt: salt, info: info) }
  func nameBased(_ name: String, in namespace: EntityID) -> EntityID { EntityID(uuid: Cryptography.nameBased(name, in: namespace.uuid)) }
  func sha256(_ bytes: [UInt8]) -> [UInt8] { Cryptography.sha256(bytes) }
}
