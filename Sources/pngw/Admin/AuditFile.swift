import AdminProtocol
import Dispatch
import FoundationEssentials
import Glibc

/// Who changed what: a line of JSON each, in a file that is begun anew when it is long, so that it never has more than twice ``longest``.
///
/// Works beside a gateway that is down: `pngwctl bundle` reads it too.
struct AuditFile: Sendable {
  /// Some 1,200 entries.
  static let longest = 256 << 10
  /// A line has a dozen short fields; what is longer is none of ours.
  private static let longestLine = 4096

  let path: String
  private let lane = DispatchQueue(label: "audit")

  init(directory: String) { path = directory + "/audit.log" }

  /// Returns when it is on disk.
  /// - Returns: why it is not; nil when it is.
  func append(_ entry: AuditEntry) async -> String? {
    guard let line = Self.line(entry) else { return "it has no JSON" }
    return await withCheckedContinuation { continuation in
      lane.async { continuation.resume(returning: self.write(line)) }
    }
  }

  /// The newest first, at most `limit`.
  func read(limit: Int) async -> [AuditEntry] {
    await withCheckedContinuation { continuation in
      lane.async { continuation.resume(returning: self.readNow(limit: limit)) }
    }
  }

  func readNow(limit: Int) -> [AuditEntry] {
    let text = Self.text(path + ".1") + [10] + Self.text(path)
    // A line that a power cut left half is left out.
    let entries = text.split(separator: 10).reversed().lazy.compactMap { line in
      line.count <= Self.longestLine ? try? JSONDecoder().decode(AuditEntry.self, from: Data(line)) : nil
    }
    return Array(entries.prefix(limit))
  }

  // MARK: Inside

  private static func line(_ entry: AuditEntry) -> [UInt8]? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let bytes = try? encoder.encode(entry), bytes.count < longestLine else { return nil }
    return Array(bytes) + [10]
  }

  private func write(_ line: [UInt8]) -> String? {
    rotate(adding: line.count)
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return String(cString: strerror(errno)) }
    defer { close(file) }
    guard Glibc.write(file, line, line.count) == line.count, fsync(file) == 0 else { return String(cString: strerror(errno)) }
    return nil
  }

  private func rotate(adding count: Int) {
    var facts = stat()
    guard stat(path, &facts) == 0, Int(facts.st_size) + count > Self.longest else { return }
    rename(path, path + ".1")
  }

  private static func text(_ path: String) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: longest + longestLine)
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress.map { $0 + count }, $0.count - count) }
      guard got > 0 else { break }
      count += got
    }
    return Array(bytes[..<count])
  }
}
