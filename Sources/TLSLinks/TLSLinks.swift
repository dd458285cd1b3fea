package import CPNSModel
package import CPNSSession
package import LinkTransport
import NIOCore
package import OpenSSLTLS

extension LinkSecurity {
  /// Links protected by TLS.
  /// - Parameters:
  ///   - now: what certificate lifetimes are held against; asked for each link.
  ///   - rejected: a handshake with this pre-shared key's identity failed its proof.
  package static func tls(
    _ context: TLSContext, now: @escaping @Sendable () -> Timestamp, rejected: (@Sendable (_ identity: String, _ address: String) -> Void)? = nil
  ) -> LinkSecurity {
    LinkSecurity(
      install: { channel, host in
        try channel.pipeline.syncOperations.addHandler(TLSHandler(context, host: host, now: now().milliseconds / 1000, rejected: rejected))
      },
      credential: { ($0 as? TLSEstablished).map(LinkPeer.Credential.init) },
      meaning: { ($0 as? TLSError).map(LinkError.init) })
  }
}

extension LinkPeer.Credential {
  /// A certificate that names no entity proves nothing that we could use.
  package init(_ established: TLSEstablished) {
    if let identity = established.pskIdentity {
      self = .preSharedKey(identity: identity)
    } else if let entity = established.certificateURI.flatMap({ EntityID(urn: $0) }) {
      self = .certificate(entity)
    } else {
      self = .none
    }
  }
}

extension LinkError {
  package init(_ error: TLSError) {
    self =
      switch error {
      case .configuration(let text), .untrusted(let text): .untrusted(text)
      case .broken(let text): .lost(text)
      case .timedOut: .unreachable(error.description)
      }
  }
}
