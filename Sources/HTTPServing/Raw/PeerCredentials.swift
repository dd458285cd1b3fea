import Glibc

/// The process at the other end of a unix socket, when it connected (unix(7)).
enum PeerCredentials {
  /// Groups asked for; a user in more is judged by the first.
  private static let mostGroups = 1024
  /// `SO_PEERGROUPS`, which the C library's module leaves out.
  private static let peerGroups: CInt = 59

  /// `struct ucred`, which it leaves out too.
  private struct Credentials {
    var process: Int32 = 0
    var user: UInt32 = .max
    var group: UInt32 = .max
  }

  /// - Returns: nil when the kernel does not say.
  static func of(_ socket: CInt) -> HTTPPeer? {
    var credentials = Credentials()
    var length = socklen_t(MemoryLayout<Credentials>.size)
    guard getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else { return nil }
    var groups = [UInt32](repeating: 0, count: mostGroups)
    length = socklen_t(groups.count * MemoryLayout<UInt32>.size)
    // Kernels before 4.13 do not know the option: then the main group alone counts.
    let known = getsockopt(socket, SOL_SOCKET, peerGroups, &groups, &length) == 0 ? Int(length) / MemoryLayout<UInt32>.size : 0
    return .local(user: credentials.user, group: credentials.group, groups: Array(groups.prefix(known)), process: credentials.process)
  }
}
