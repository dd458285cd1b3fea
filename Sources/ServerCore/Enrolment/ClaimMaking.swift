package import CPNSModel
import CPNSProcedures

/// Makes claims: also beside a running server, whose store this is too.
package struct ClaimMaking: Sendable {
  private let store: any ServerStore
  private let secrets: any ServerSecrets
  private let clock: WallClock

  package init(store: any ServerStore, secrets: any ServerSecrets, clock: WallClock) {
    self.store = store
    self.secrets = secrets
    self.clock = clock
  }

  /// - Parameters:
  ///   - pnName: for the PN that the gateway will serve; nil: as the gateway calls it.
  ///   - fingerprint: of the trust anchor, 16 bytes.
  /// - Returns: the code, whose secret is kept nowhere.
  package func make(pnName: String?, fingerprint: [UInt8]) async throws(ServerFailure) -> String {
    if let pnName, !Text.isName(pnName, upTo: Limits.name) { throw .invalid(field: "--pn", problem: "expected 1 to \(Limits.name) printable characters") }
    let secret = secrets.random(16)
    let claim = ClaimRecord(hash: secrets.sha256(secret), pnName: pnName, made: clock.now())
    do throws(ServerStoreError) {
      try await store.commit([.require(.unspentClaims(below: ServerBounds.unspentClaims)), .putClaim(claim)])
    } catch { throw ServerFailure(error) }
    return ClaimCode(secret: secret, fingerprint: fingerprint).text
  }
}
