import CPNSModel
import FoundationEssentials
import GatewayCore
import Glibc
import OpenSSLTLS
import Synchronization

/// This machine's clock, and what is known against it: the day of the build, when our certificate was made, and the last time
/// at which a server proved itself, which is the time of the file `clock` in the state directory.
final class MachineTime: TimeKeeping {
  private struct Known {
    var floor: ClockFloor
    let since = ContinuousClock.now
  }
  private let known: Mutex<Known>
  private let file: String
  private let places: CredentialPlaces

  init(stateDirectory: String, places: CredentialPlaces) {
    file = stateDirectory + "/clock"
    self.places = places
    known = Mutex(Known(floor: Self.floor(file, places.now.certificate)))
  }

  /// Another certificate is in use: it was made by a server whose clock is right.
  func learn() {
    let floor = Self.floor(file, places.now.certificate)
    known.withLock { if floor.earliest > $0.floor.earliest { $0 = Known(floor: floor) } }
  }

  private static func floor(_ file: String, _ certificate: String) -> ClockFloor {
    // Without a certificate, or one that can be read, there is less to go by.
    let made = (try? X509Certificate(pem: try DurableFile.read(certificate)))?.notBefore
    return ClockFloor([time(of: file), made.map { Timestamp(milliseconds: $0 * 1000) }].compactMap(\.self))
  }

  var clock: WallClock {
    WallClock { self.known.withLock { $0.floor.time(system: Self.system, running: $0.since.duration(to: .now)) } }
  }

  var problem: String? {
    let system = Self.system
    let floor = known.withLock { $0.floor }
    guard floor.isAfter(system) else { return nil }
    return "this machine's clock shows \(system.iso8601), and it was \(floor.earliest.iso8601) before"
  }

  /// A file's time is one write to the inode. When it can't be set there is less to go by after a restart, and no more.
  func witnessed(_ now: Timestamp) async {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let (seconds, rest) = now.milliseconds.quotientAndRemainder(dividingBy: 1000)
    let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(rest) * 1_000_000)
    _ = withUnsafeTemporaryAllocation(of: timespec.self, capacity: 2) { times in
      times.initialize(repeating: time)
      return futimens(descriptor, times.baseAddress)
    }
  }

  private static func time(of file: String) -> Timestamp? {
    var status = stat()
    guard lstat(file, &status) == 0 else { return nil }
    return Timestamp(milliseconds: Int64(status.st_mtim.tv_sec).multipliedReportingOverflow(by: 1000).partialValue)
  }

  private static var system: Timestamp { Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))) }
}
