import CPNSModel
import Foundation
import GatewayCore
import Synchronization

/// Everything that needs cryptography, without any: the same input gives the same output, another another.
final class FakeSecrets: Secrets {
  private let count = Mutex<UInt8>(0)

  func random(_ count: Int) -> [UInt8] {
    let next = self.count.withLock { $0 &+= 1; return $0 }
    return (0..<count).map { UInt8(truncatingIfNeeded: $0) ^ next }
  }
  func derive(key: [UInt8], salt: [UInt8], info: String) -> [UInt8] { Self.mix(key + salt + Array(info.utf8)) }
  func nameBased(_ name: String, in namespace: EntityID) -> EntityID {
    let bytes = Self.mix(Array((name + namespace.urn).utf8))
    return EntityID(uuid: bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) })
  }
  func sha256(_ bytes: [UInt8]) -> [UInt8] { Self.mix(bytes) }

  /// 32 bytes that depend on every byte.
  static func mix(_ bytes: [UInt8]) -> [UInt8] {
    var state: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return (0..<4).flatMap { round -> [UInt8] in
      state = (state ^ UInt64(round)) &* 0x100_0000_01b3
      return (0..<8).map { UInt8(truncatingIfNeeded: state >> (8 * UInt64($0))) }
    }
  }
}
