import Foundation
import Glibc
import ServiceManager
import Testing

/// In child processes: a manager's address is in the environment, which other tests read at the same time.
@Suite struct ServiceManagerTests {
  @Test func theManagerHearsThatWeAreReadyAndThatWeStop() async {
    await #expect(processExitsWith: .success) {
      let manager = try Manager()
      let service = Task { await ServiceManager().serve { true } }
      #expect(manager.heard() == "READY=1")
      service.cancel()
      await service.value
      #expect(manager.heard() == "STOPPING=1")
      #expect(manager.heardNothing)
    }
  }

  @Test func aStatusIsOneLine() async {
    await #expect(processExitsWith: .success) {
      let manager = try Manager()
      ServiceManager().status("3 PNEs\nREADY=1" + String(repeating: "x", count: 400))
      #expect(manager.heard() == "STATUS=3 PNEs READY=1" + String(repeating: "x", count: 242))
    }
  }

  @Test func theWatchdogHearsUsWhileWeAreHealthy() async {
    await #expect(processExitsWith: .success) {
      let manager = try Manager(watchdogMicroseconds: 2_000)
      let service = Task { await ServiceManager().serve { true } }
      #expect(manager.heard() == "READY=1")
      for _ in 0..<5 { #expect(manager.heard() == "WATCHDOG=1") }
      service.cancel()
      await service.value
    }
  }

  @Test func theWatchdogHearsNothingWhileWeAreNot() async {
    await #expect(processExitsWith: .success) {
      let manager = try Manager(watchdogMicroseconds: 2_000)
      let (asked, ask) = AsyncStream<Void>.makeStream()
      let service = Task {
        await ServiceManager().serve {
          ask.yield()
          return false
        }
      }
      var times = 0
      for await _ in asked {
        times += 1
        if times == 5 { break }
      }
      service.cancel()
      await service.value
      #expect(manager.heard() == "READY=1")
      #expect(manager.heard() == "STOPPING=1")
    }
  }

  @Test func withoutAManagerNothingIsSaid() async {
    await #expect(processExitsWith: .success) {
      let manager = try Manager()
      unsetenv("NOTIFY_SOCKET")
      let service = Task { await ServiceManager().serve { true } }
      ServiceManager().status("idle")
      service.cancel()
      await service.value
      #expect(manager.heardNothing)
    }
  }
}

/// The end of the socket that the service manager listens on.
private final class Manager {
  private let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
  private let path = FileManager.default.temporaryDirectory.appending(path: "notify-\(UUID())").path

  init(watchdogMicroseconds: Int? = nil) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    try #require(bound == 0)
    var patience = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setenv("NOTIFY_SOCKET", path, 1)
    if let watchdogMicroseconds { setenv("WATCHDOG_USEC", "\(watchdogMicroseconds)", 1) }
  }

  deinit {
    close(socket)
    unlink(path)
  }

  /// The next that it is told.
  func heard() -> String {
    var bytes = [UInt8](repeating: 0, count: 1_024)
    let count = recv(socket, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
  }

  var heardNothing: Bool { recv(socket, nil, 0, Int32(MSG_DONTWAIT | MSG_PEEK)) < 0 }
}
