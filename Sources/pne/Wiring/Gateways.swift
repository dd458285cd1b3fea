import CPNSModel
import CPNSSession
import ElementCore
import LinkTransport
import NIOCore
import OpenSSLTLS
import TLSLinks

/// Links to gateways: TLS 1.3 with a pre-shared key (docs/protocol.md, "Links of elements").
struct Gateways: GatewayConnecting {
  let threads: any EventLoopGroup
  let clock: WallClock

  static func isAddress(_ text: String) -> Bool { LinkConnector.split(text) != nil }

  func withLink(
    to address: String, identity: String, key: [UInt8], _ body: @Sendable (any Link) async -> Void
  ) async throws(LinkError) {
    let context: TLSContext
    do throws(TLSError) { context = try TLSContext.pskClient(identity: identity, key: key) } catch { throw LinkError(error) }
    try await LinkConnector(group: threads).withLink(to: address, security: .tls(context, now: clock.now), body)
  }
}

struct Secrets: ElementSecrets {
  func derive(key: [UInt8], salt: [UInt8], info: String) -> [UInt8] { Cryptography.hkdf(key: key, salt: salt, info: info) }
}
