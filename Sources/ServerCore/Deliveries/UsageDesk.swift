import CPNSMessages
import CPNSModel
import CPNSSession
import Logging

/// Usage that gateways report (AD 5.6.3): each record counts once, and is never thrown away here. When the disk is full the
/// gateways keep theirs.
struct UsageDesk: Sendable {
  let store: any ServerStore
  let clock: WallClock
  let logger: Logger

  /// On disk when the answer is OK; one that came before changes nothing.
  func collect(_ usage: UsageRecord, from gateway: GatewayRecord) async -> Reply {
    do throws(ServerStoreError) {
      try await store.commit([.putUsage(usage, gateway: gateway.id, pn: gateway.pn, received: clock.now())])
      return .status(.ok)
    } catch {
      logger.error("usage not written", metadata: ["gateway": "\(gateway.id)", "error": "\(error.words)"])
      return .status(.busy, "the server can't write now")
    }
  }
}
