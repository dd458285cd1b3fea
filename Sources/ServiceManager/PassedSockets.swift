import Synchronization

/// Sockets that listen already and were passed to us by who started us (sd_listen_fds(3), systemd.socket(5)): whoever connects
/// while we are away waits, and nobody is refused.
package enum PassedSockets {
  /// Taken once: the descriptors belong to who asked for them.
  private static let all = Mutex<[PassedSocket]?>(nil)

  /// The unix stream socket of this name (`FileDescriptorName=`), or nil when none was passed. Each is given once.
  package static func take(named name: String) -> CInt? {
    all.withLock { sockets in
      var left = sockets ?? passedSockets()
      defer { sockets = left }
      guard let index = left.firstIndex(where: { $0.name == name && $0.isListeningUnixStream }) else { return nil }
      return left.remove(at: index).descriptor
    }
  }
}
