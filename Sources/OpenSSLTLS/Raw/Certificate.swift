import COpenSSL
import FoundationEssentials

/// Reads certificates that OpenSSL holds.
enum Certificate {
  static func uri(of certificate: OpaquePointer) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress else { return nil }
      return copenssl_certificate_uri(certificate, base, 256) > 0 ? String(cString: base) : nil
    }
  }

  /// For people: whom it is for, and who issued it.
  static func summary(of certificate: OpaquePointer) -> String {
    let subject = printed { copenssl_print_name($0, X509_get_subject_name(certificate)) }
    let issuer = printed { copenssl_print_name($0, X509_get_issuer_name(certificate)) }
    return "\(subject), issued by \(issuer)"
  }

  /// The subject alternative names as text.
  static func names(of certificate: OpaquePointer) -> String {
    let names = printed { copenssl_print_names($0, certificate) }
    return names.isEmpty ? "none" : names
  }

  /// Seconds since 1970.
  static func notBefore(of certificate: OpaquePointer) -> Int64 { copenssl_seconds(X509_get0_notBefore(certificate)) }
  static func notAfter(of certificate: OpaquePointer) -> Int64 { copenssl_seconds(X509_get0_notAfter(certificate)) }

  /// `2026-11-24T09:00:00Z`
  static func text(seconds: Int64) -> String { Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601) }

  /// What comes from a peer may be long and hold control characters.
  private static func printed(_ print: (OpaquePointer) -> Int32) -> String {
    let text = String(decoding: written(print).prefix(256), as: UTF8.self)
    return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? "?" : $0 }))
  }
}

/// What `write` puts into a memory buffer.
func written(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
  guard let bio = copenssl_memory_bio() else { return [] }
  defer { BIO_free(bio) }
  _ = write(bio)
  var start: UnsafeMutablePointer<CChar>? = nil
  let count = withUnsafeMutablePointer(to: &start) { pointer in
    pointer.withMemoryRebound(to: UnsafeMutablePointer<CChar>?.self, capacity: 1) { copenssl_drain(bio, $0) }
  }
  guard let start, count > 0 else { return [] }
  return Array(UnsafeRawBufferPointer(start: start, count: count))
}
