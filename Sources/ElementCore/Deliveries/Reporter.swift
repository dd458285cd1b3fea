import CPNSMessages
import CPNSModel
import CPNSSession
import Logging

/// Tells the gateway how deliveries ended and what was used, again and again with the same ids, until it says OK.
struct Reporter: Sendable {
  let desk: DeliveryDesk
  let timer: any Clock<Duration>
  let logger: Logger

  /// Returns when the link is lost or the task is cancelled.
  func run(over session: Session) async {
    while !Task.isCancelled {
      let debts = desk.debts.wakes()
      let owed = await desk.owed
      for report in owed { guard await deliver(report, over: session) else { return } }
      if owed.isEmpty { for await _ in debts { break } }
    }
  }

  /// - Returns: false when the link is lost.
  private func deliver(_ report: OwedReport, over session: Session) async -> Bool {
    while true {
      do throws(SessionError) {
        try await send(report, over: session)
        await desk.settle(report)
        return true
      } catch .refused(let code, let detail) where code.mayRetry {
        logger.info("gateway asks to wait", metadata: ["status": "\(code)", "detail": "\(detail)"])
        do { try await timer.sleep(for: .seconds(1)) } catch { return false }
      } catch .refused(let code, let detail) {
        // It would be refused for ever, and hold up what comes after it.
        logger.error("gateway refused a report for good", metadata: ["status": "\(code)", "detail": "\(detail)"])
        await desk.settle(report)
        return true
      } catch .timedOut {
        continue
      } catch {
        // What is not the link's end already is worth a new one.
        await session.close()
        return false
      }
    }
  }

  private func send(_ report: OwedReport, over session: Session) async throws(SessionError) {
    switch report {
    case .result(let id, let outcome):
      _ = try await session.request(.deliveryResult, Cpns_V1_DeliveryResult(outcome).bytes, idempotency: id, deadline: .seconds(30))
    case .usage(let usage):
      _ = try await session.request(
        .usageReport, Cpns_V1_UsageReport(usage).bytes, idempotency: IdempotencyID(uuid: usage.id.uuid), deadline: .seconds(30))
    }
  }
}
