import CPNSModel
import GatewayCore
import Glibc
import OpenSSLTLS

/// What the kernel and the files of the state directory tell.
struct ThisMachine: Machine {
  let stateDirectory: String
  let places: CredentialPlaces

  var disk: DiskSpace? {
    var facts = statvfs()
    guard statvfs(stateDirectory, &facts) == 0 else { return nil }
    let unit = UInt64(facts.f_frsize)
    return DiskSpace(free: UInt64(facts.f_bavail) * unit, total: UInt64(facts.f_blocks) * unit)
  }

  var bytesWritten: UInt64? {
    SmallFile.text("/proc/self/io")?.split(separator: "\n").first { $0.hasPrefix("write_bytes:") }.flatMap { UInt64($0.dropFirst(13)) }
  }

  /// The second number of statm(5), in pages.
  var residentBytes: UInt64? {
    SmallFile.text("/proc/self/statm")?.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }.map { $0 * UInt64(getpagesize()) }
  }

  func certificates() -> [CertificateLifetime] {
    let files = places.now
    return [(CertificateLifetime.Use.gateway, files.certificate), (.anchor, files.trustAnchor)].compactMap { use, path in
      guard let pem = try? DurableFile.read(path), let certificate = try? X509Certificate(pem: pem) else { return nil }  // doctor says what is wrong
      return CertificateLifetime(
        use: use, begins: Timestamp(milliseconds: certificate.notBefore * 1000), ends: Timestamp(milliseconds: certificate.notAfter * 1000))
    }
  }
}

/// A file of the kernel's, or another that has to be short.
enum SmallFile {
  /// nil when it can't be read; what is beyond `limit` is left out.
  static func text(_ path: String, limit: Int = 64 << 10) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while bytes.count < limit {
      let count = read(file, &piece, piece.count)
      guard count > 0 else { break }
      bytes += piece[..<count]
    }
    return String(decoding: bytes.prefix(limit), as: UTF8.self)
  }
}
