import COpenSSL
package import FoundationEssentials

/// The few primitives that pngw needs, all OpenSSL's.
package enum Cryptography {
  /// From OpenSSL's CSPRNG. Ends the process when there is no randomness: nothing safe can be done then.
  package static func random(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(count, 0))
    guard bytes.isEmpty || RAND_bytes(&bytes, Int32(clamping: bytes.count)) == 1 else { fatalError("no randomness: \(openSSLErrors())") }
    return bytes
  }

  package static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 32)
    SHA256(bytes, bytes.count, &out)
    return out
  }

  /// HMAC-SHA256 (RFC 2104), 32 bytes.
  package static func hmac(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    // OpenSSL takes a null key for "the key of the last call", so an empty one is a pointer to something.
    let key = key.isEmpty ? [0] : key
    HMAC(EVP_sha256(), key, Int32(clamping: key.count), bytes, bytes.count, &out, &length)
    return out
  }

  /// HKDF-SHA256 (RFC 5869), 32 bytes. Empty only when OpenSSL has no HKDF.
  package static func hkdf(key: [UInt8], salt: [UInt8], info: String) -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 32)
    let info = Array(info.utf8)
    return copenssl_hkdf(key, key.count, salt, salt.count, info, info.count, &out, out.count) == 1 ? out : []
  }

  /// UUID version 5 (RFC 9562, 5.5).
  package static func nameBased(_ name: String, in namespace: UUID) -> UUID {
    let input = withUnsafeBytes(of: namespace.uuid) { Array($0) } + Array(name.utf8)
    var digest = [UInt8](repeating: 0, count: 20)
    SHA1(input, input.count, &digest)
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
  }

  /// Equal in constant time; different lengths are not equal.
  package static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0 }
}

/// SHA-256 of bytes that come piece by piece. One owner.
package final class SHA256Stream {
  private let context: OpaquePointer?

  package init() {
    context = EVP_MD_CTX_new()
    EVP_DigestInit_ex(context, EVP_sha256(), nil)
  }
  deinit { EVP_MD_CTX_free(context) }

  package func update(_ bytes: UnsafeRawBufferPointer) { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

  /// Ends the stream.
  package func digest() -> [UInt8] {
    var out = [UInt8](repeating: 0, count: 32)
    EVP_DigestFinal_ex(context, &out, nil)
    return out
  }
}
