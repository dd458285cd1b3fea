package import CPNSSession
package import NIOCore

/// What protects a link, given in by the main so that this adapter knows no TLS library.
package struct LinkSecurity: Sendable {
  /// Adds the handlers to the channel's pipeline. Runs on its event loop. `host` is whom a client wants to reach.
  let install: @Sendable (_ channel: any Channel, _ host: String?) throws -> Void
  /// What an inbound user event proves of the peer; nil for other events.
  let credential: @Sendable (_ event: Any) -> LinkPeer.Credential?
  /// What an error of those handlers means for the link.
  let meaning: @Sendable (_ error: any Error) -> LinkError?
  let isNone: Bool

  package init(
    install: @escaping @Sendable (_ channel: any Channel, _ host: String?) throws -> Void,
    credential: @escaping @Sendable (_ event: Any) -> LinkPeer.Credential?,
    meaning: @escaping @Sendable (_ error: any Error) -> LinkError?
  ) {
    self.install = install
    self.credential = credential
    self.meaning = meaning
    isNone = false
  }

  private init() {
    install = { _, _ in }
    credential = { _ in nil }
    meaning = { _ in nil }
    isNone = true
  }

  /// Nothing: for a socket that the kernel protects (a socketpair, a unix socket).
  package static let none = LinkSecurity()
}
