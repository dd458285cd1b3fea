import Diagnosis
import FoundationEssentials
import Glibc

/// Whose sockets hold which port, as far as the kernel lets us see: everybody's as root, one's own otherwise.
enum Sockets {
  /// Whether a port can't be had by somebody who is ready to share it.
  static func isTaken(_ port: Int, _ kind: CInt) -> Bool {
    let descriptor = socket(AF_INET, kind | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var yes: CInt = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_port = UInt16(clamping: port).bigEndian
    let result = withUnsafePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    return result != 0 && errno == EADDRINUSE
  }

  /// - Parameter tables: `udp`, `tcp6`…
  static func holders(of port: Int, _ tables: [String], wildcardOnly: Bool = false) -> [NeighbourRule.Holder] {
    let rows = tables.flatMap { ProcNet.sockets(SmallFile.text("/proc/net/\($0)", limit: 4 << 20) ?? "") }
    let inodes = Set(rows.filter { row in
      Int(row.port) == port && (!wildcardOnly || row.isWildcard)
    }.map(\.inode))
    guard !inodes.isEmpty else { return [] }
    return processes.filter { process in descriptors(of: process).contains { inodes.contains($0) } }.map { process in
      let name = SmallFile.text("/proc/\(process)/comm") ?? "?"
      return NeighbourRule.Holder(process: process, name: String(name.prefix { !$0.isNewline }))
    }
  }

  private static var processes: [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []  // without /proc nobody is known
    return names.compactMap { Int32($0) }.sorted()
  }

  private static func descriptors(of process: Int32) -> [UInt64] {
    let folder = "/proc/\(process)/fd"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []  // it has ended, or is not ours to see
    return names.compactMap { name in
      var buffer = [CChar](repeating: 0, count: 64)
      let count = readlink("\(folder)/\(name)", &buffer, buffer.count - 1)
      guard count > 0 else { return nil }
      return ProcNet.inode(String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
  }
}
