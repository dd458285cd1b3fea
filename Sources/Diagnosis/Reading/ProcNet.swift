/// Tables of the kernel's under /proc/net, as text. Lines that make no sense are left out.
package enum ProcNet {
  /// Rows of a table that are looked at: a machine with more sockets than this is none of ours.
  static let mostRows = 20_000

  package struct SocketRow: Sendable, Hashable {
    package var port: UInt16
    /// Bound to all addresses.
    package var isWildcard: Bool
    /// TCP: it takes connections.
    package var isListening: Bool
    package var inode: UInt64

    package init(port: UInt16, isWildcard: Bool, isListening: Bool, inode: UInt64) {
      self.port = port
      self.isWildcard = isWildcard
      self.isListening = isListening
      self.inode = inode
    }
  }

  /// `tcp`, `tcp6`, `udp`, `udp6` (proc_net_tcp in the kernel's documentation).
  package static func sockets(_ text: String) -> [SocketRow] {
    text.split(separator: "\n").dropFirst().prefix(mostRows).compactMap { line in
      let words = line.split(separator: " ")
      guard words.count > 9, let colon = words[1].lastIndex(of: ":"), let port = UInt16(words[1][words[1].index(after: colon)...], radix: 16),
        let inode = UInt64(words[9])
      else { return nil }
      return SocketRow(port: port, isWildcard: words[1][..<colon].allSatisfy { $0 == "0" }, isListening: words[3] == "0A", inode: inode)
    }
  }

  /// `igmp`: the IPv4 groups that each interface has joined.
  package static func groups(_ text: String) -> [String: Set<String>] {
    var groups: [String: Set<String>] = [:]
    var interface = ""
    for line in text.split(separator: "\n").dropFirst().prefix(mostRows) {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      if line.first != "\t", words.count >= 2 {
        interface = String(words[1].prefix { $0 != ":" })
      } else if let word = words.first, word.count == 8, let number = UInt32(word, radix: 16) {
        groups[interface, default: []].insert((0..<4).map { "\((number >> ($0 * 8)) & 0xFF)" }.joined(separator: "."))
      }
    }
    return groups
  }

  /// Where `route` (IPv4) has a default route; interfaces.
  package static func defaultRoutes(_ text: String) -> [String] {
    text.split(separator: "\n").dropFirst().compactMap { line in
      let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
      return words.count > 7 && words[1] == "00000000" && words[7] == "00000000" ? String(words[0]) : nil
    }
  }

  /// `socket:[123]`, as a link under /proc/PID/fd reads.
  package static func inode(_ link: String) -> UInt64? {
    guard link.hasPrefix("socket:["), link.hasSuffix("]") else { return nil }
    return UInt64(link.dropFirst(8).dropLast())
  }
}
