import CPNSModel
import CPNSSession
import LinkTransport
import OpenSSLTLS
import ServerCore
import TLSLinks

/// Where gateways connect: TLS 1.3, their certificate asked for and verified when there is one (docs/protocol.md, "Links of gateways").
struct Gateways: GatewayListening {
  let listener: LinkListener
  /// Literal; empty: all.
  let address: String
  /// 0: any.
  let port: Int
  let context: TLSContext
  let clock: WallClock

  func serve(
    bound: @escaping @Sendable (_ port: Int) async -> Void, accept: @escaping @Sendable (any Link) async -> Void
  ) async throws(LinkError) {
    try await listener.serve(address: address, port: port, security: .tls(context, now: clock.now), bound: bound, accept: accept)
  }
}
