import Foundation
import Glibc
import ServiceManager
import Testing

/// In child processes: descriptors from 3 on and the environment are what a manager passes, and there is one of each.
@Suite struct PassedSocketsTests {
  @Test func aSocketIsFoundByItsNameAndGivenOnce() async {
    await #expect(processExitsWith: .success) {
      try Passing.pass([(.listening, "admin")])
      #expect(PassedSockets.take(named: "other") == nil)
      #expect(PassedSockets.take(named: "admin") == 3)
      #expect(PassedSockets.take(named: "admin") == nil)
      #expect(getenv("LISTEN_FDS") == nil)
    }
  }

  @Test func theNameSaysWhichNotTheOrder() async {
    await #expect(processExitsWith: .success) {
      try Passing.pass([(.listening, "a"), (.listening, "admin")])
      #expect(PassedSockets.take(named: "admin") == 4)
    }
  }

  @Test func whatDoesNotListenIsNone() async {
    await #expect(processExitsWith: .success) {
      try Passing.pass([(.idle, "admin")])
      #expect(PassedSockets.take(named: "admin") == nil)
    }
  }

  @Test func whatWasPassedToAnotherProcessIsNone() async {
    await #expect(processExitsWith: .success) {
      try Passing.pass([(.listening, "admin")], to: getpid() + 1)
      #expect(PassedSockets.take(named: "admin") == nil)
    }
  }

  @Test func withoutAManagerThereIsNone() async {
    await #expect(processExitsWith: .success) { #expect(PassedSockets.take(named: "admin") == nil) }
  }
}

private enum Passing {
  enum Kind { case listening, idle }

  /// As systemd does it.
  static func pass(_ sockets: [(Kind, String)], to process: pid_t = getpid()) throws {
    for (index, (kind, _)) in sockets.enumerated() {
      let made = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      let path = FileManager.default.temporaryDirectory.appending(path: "pngw-\(UUID().uuidString.prefix(8))").path
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
      let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(made, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
      }
      try #require(bound == 0)
      unlink(path)
      if kind == .listening { try #require(listen(made, 4) == 0) }
      let wanted = 3 + CInt(index)
      if made != wanted { dup2(made, wanted) }
    }
    setenv("LISTEN_PID", "\(process)", 1)
    setenv("LISTEN_FDS", "\(sockets.count)", 1)
    setenv("LISTEN_FDNAMES", sockets.map(\.1).joined(separator: ":"), 1)
  }
}
