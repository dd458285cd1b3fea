package import NIOCore

/// Bounds on what clients may do. Who needs more of something says so where the server is made.
package struct HTTPLimits: Sendable {
  /// Connections at once: an administrator's tools need three. At the bound the one that waits longest for its client is closed.
  package var connections = 64
  /// A request's line and headers, in bytes: ours are under 1 kB.
  package var headBytes = 16 << 10
  /// What of a body that nobody wanted is read, in bytes, to keep the connection for the next request.
  package var drainBytes: UInt64 = 16 << 10
  /// What is read and thrown away after a refusal, in bytes, so that the client sees why: what fits a socket's buffers.
  package var lingerBytes = 1 << 20
  /// … and for how long.
  package var lingerTime = TimeAmount.seconds(2)
  /// From a request's first byte to its last header.
  package var headTime = TimeAmount.seconds(10)
  /// Silence between requests, and within a body that we want to read.
  package var idleTime = TimeAmount.seconds(30)
  /// A client that takes nothing of a response for this long is gone.
  package var stallTime = TimeAmount.seconds(60)

  package init() {}
}
