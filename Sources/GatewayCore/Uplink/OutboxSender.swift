import CPNSMessages
import CPNSModel
import CPNSSession
import Logging

/// Empties the outbox over an uplink: oldest first, one at a time, each gone only when the server has it.
///
/// In order, because inventory changes build on each other. A message that the server will never take is logged, raised
/// as a warning and dropped: it would hold up all that come after it for ever.
package struct OutboxSender: Sendable {
  /// Messages read from disk at once.
  private static let batch = 64

  let store: any GatewayStore
  let signal: OutboxSignal
  let inventory: PNInventory
  let health: HealthBoard
  let timer: any Clock<Duration>
  let logger: Logger

  /// Returns when the link is lost or the task is cancelled.
  func drain(over session: Session) async {
    let wakes = signal.wakes()
    guard await empty(over: session) else { return }
    for await _ in wakes { guard await empty(over: session) else { return } }
  }

  /// - Returns: false when the link is lost.
  private func empty(over session: Session) async -> Bool {
    var last: Int64 = 0
    while !Task.isCancelled {
      let messages: [OutboxMessage]
      do { messages = try await store.outbox(after: last, limit: Self.batch) } catch {
        logger.error("outbox can't be read", metadata: ["error": "\(error)"])
        return true
      }
      if messages.isEmpty { return true }
      for message in messages {
        guard await deliver(message, over: session) else { return false }
        last = message.sequence
      }
      // One transaction acknowledges the whole batch: what is sent again after a crash has its idempotency id.
      do { try await store.commit([.acknowledge(upTo: last)]) } catch {
        logger.error("outbox can't be trimmed", metadata: ["error": "\(error)"])
        return true
      }
    }
    return false
  }

  private func deliver(_ message: OutboxMessage, over session: Session) async -> Bool {
    guard let kind = Cpns_V1_Kind(rawValue: message.draft.kind) else { return true }
    while true {
      do throws(SessionError) {
        let pn = await inventory.network.id
        let answer = try await session.request(kind, message.draft.body, pn: pn, idempotency: message.draft.idempotency, deadline: .seconds(30))
        return try await settle(answer, over: session)
      } catch .refused(let code, let detail) where code.mayRetry {
        logger.info("server asks to wait", metadata: ["kind": "\(kind)", "status": "\(code)", "detail": "\(detail)"])
        do { try await timer.sleep(for: .seconds(1)) } catch { return false }
      } catch .refused(let code, let detail) {
        logger.error("server refused a message for good", metadata: ["kind": "\(kind)", "status": "\(code)", "detail": "\(detail)"])
        health.raise(HealthWarning(
          .outboxMessageRefused, .warning, cause: "the server refused \(kind): \(detail)", nextStep: "compare the versions of pngwd and cpnsd"))
        return true
      } catch {
        return false
      }
    }
  }

  private func settle(_ answer: Cpns_V1_Envelope, over session: Session) async throws(SessionError) -> Bool {
    guard answer.kind == .inventoryResult, let result = try? answer.decoded(as: Cpns_V1_InventoryResult.self), result.needsSnapshot
    else { return true }
    logger.info("server asks for the whole inventory", metadata: ["revision": "\(result.revision)"])
    let snapshot: Cpns_V1_InventorySnapshot
    do { snapshot = try await inventory.snapshot(above: result.revision) } catch { return true }
    _ = try await session.request(.inventorySnapshot, snapshot.bytes, pn: await inventory.network.id, idempotency: .random(), deadline: .seconds(30))
    return true
  }
}
