package import CPNSModel

/// What the gateway is told of the machine that it runs on: for status, metrics and warnings.
package protocol Machine: Sendable {
  /// The disk of the state directory; nil when it can't be asked.
  var disk: DiskSpace? { get }
  /// Bytes that this process has sent to disks since it started, content among them; nil where the system does not count.
  var bytesWritten: UInt64? { get }
  /// Bytes of memory in use; nil where the system does not tell.
  var residentBytes: UInt64? { get }
  /// The certificates that the uplink needs, as far as they are there.
  func certificates() -> [CertificateLifetime]
}

package struct DiskSpace: Sendable, Hashable {
  /// Bytes that we may still write, and all that there are.
  package var free: UInt64
  package var total: UInt64

  package init(free: UInt64, total: UInt64) {
    self.free = free
    self.total = total
  }
}

package struct CertificateLifetime: Sendable, Hashable {
  package enum Use: String, Sendable, CaseIterable {
    /// Our own.
    case gateway
    /// Who vouches for the server.
    case anchor = "trust-anchor"
  }
  package var use: Use
  package var begins: Timestamp
  package var ends: Timestamp

  package init(use: Use, begins: Timestamp, ends: Timestamp) {
    self.use = use
    self.begins = begins
    self.ends = ends
  }
}

/// A machine that tells nothing.
package struct UnknownMachine: Machine {
  package init() {}
  package var disk: DiskSpace? { nil }
  package var bytesWritten: UInt64? { nil }
  package var residentBytes: UInt64? { nil }
  package func certificates() -> [CertificateLifetime] { [] }
}
