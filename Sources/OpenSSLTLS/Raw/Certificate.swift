import COpenSSL

/// Reads certificates that OpenSSL holds.
enum Certificate {
  static func uri(of certificate: OpaquePointer) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress else { return nil }
      return copenssl_certificate_uri(certificate, base, 256) > 0 ? String(cString: base) : nil
    }
  }

  /// For people: whom it is for, and when it holds.
  static func summary(of certificate: OpaquePointer) -> String {
    let subject = name(X509_get_subject_name(certificate))
    return "\(subject), valid \(time(X509_get0_notBefore(certificate))) to \(time(X509_get0_notAfter(certificate)))"
  }

  private static func name(_ name: OpaquePointer?) -> String {
    text { copenssl_print_name($0, name) }
  }

  private static func time(_ time: UnsafePointer<ASN1_TIME>?) -> String { text { ASN1_TIME_print($0, time) } }

  private static func text(_ print: (OpaquePointer) -> Int32) -> String {
    guard let bio = copenssl_memory_bio() else { return "" }
    defer { BIO_free(bio) }
    _ = print(bio)
    return String(decoding: bytes(of: bio), as: UTF8.self)
  }

  static func bytes(of bio: OpaquePointer) -> [UInt8] {
    var start: UnsafeMutablePointer<CChar>? = nil
    let count = withUnsafeMutablePointer(to: &start) { pointer in
      pointer.withMemoryRebound(to: UnsafeMutablePointer<CChar>?.self, capacity: 1) { copenssl_drain(bio, $0) }
    }
    guard let start, count > 0 else { return [] }
    return Array(UnsafeRawBufferPointer(start: start, count: count))
  }
}
