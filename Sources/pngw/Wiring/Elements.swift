import CPNSModel
import CPNSSession
import GatewayCore
import LinkTransport
import OpenSSLTLS
import TLSLinks

/// Where PNEs connect: TLS 1.3 with pre-shared keys (docs/protocol.md, "Pairing").
struct Elements: ElementListening {
  let listener: LinkListener
  /// Literal; empty: all.
  let address: String
  /// 0: any.
  let port: Int
  let clock: WallClock

  func serve(
    keys: @escaping @Sendable (_ identity: String) -> [UInt8]?,
    rejected: @escaping @Sendable (_ identity: String, _ address: String) -> Void,
    bound: @Sendable (_ port: Int) async -> Void,
    accept: @escaping @Sendable (any Link) async -> Void
  ) async throws(LinkError) {
    let context: TLSContext
    do throws(TLSError) { context = try TLSContext.pskServer(lookup: keys) } catch { throw LinkError(error) }
    try await listener.serve(
      address: address, port: port, security: .tls(context, now: clock.now, rejected: rejected), bound: bound, accept: accept)
  }
}
