import CSystemd
import Glibc

/// Tells the service manager; does nothing when nobody asked to be told (`$NOTIFY_SOCKET`).
///
/// A manager that can't be reached is not our trouble: what we do does not depend on it.
func notify(_ assignment: String) { _ = sd_notify(0, assignment) }

/// Whether somebody asked to be told.
var isNotifying: Bool { getenv("NOTIFY_SOCKET") != nil }

/// What the manager orders its own messages by.
var monotonicMicroseconds: UInt64 {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return UInt64(clamping: now.tv_sec) * 1_000_000 + UInt64(clamping: now.tv_nsec / 1000)
}

/// `$WATCHDOG_USEC`, when it is meant for this process.
var watchdogTimeout: Duration? {
  var microseconds: UInt64 = 0
  guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
  return .microseconds(Int64(clamping: microseconds))
}
