import CPNSMessages
import CPNSModel
import CPNSSession
import Logging

/// Who answers what of what gateways ask.
struct Desks: Sendable {
  let store: any ServerStore
  let enrolment: EnrolmentDesk
  let renewal: RenewalDesk
  let inventory: InventoryDesk
  let deliveries: DeliveryDesk
  let usage: UsageDesk
  let directory: DirectoryDesk
  let contents: any ContentKeeping
  let logger: Logger

  /// The right to read a content comes with a delivery of it that has not ended.
  func open(_ message: Cpns_V1_ContentOpen, for peer: Peer, of gateway: GatewayRecord, _ outgoing: OutgoingContent) async -> Reply {
    guard let id = DeliveryID(urn: message.deliveryID) else { return .status(.malformed, "ContentOpen.delivery_id: expected urn:uuid:… and a UUID") }
    do {
      guard let delivery = try await store.delivery(id), delivery.pn == gateway.pn, delivery.outcome == nil,
        delivery.order.content.id.urn == message.contentID
      else { return .status(.notFound, "no such content is being delivered to this PN") }
      return outgoing.open(message, try await contents.open(delivery.order.content), for: peer)
    } catch {
      return unopened(error, message)
    }
  }

  private func unopened(_ error: any Error, _ message: Cpns_V1_ContentOpen) -> Reply {
    switch error {
    case ContentKeepingError.gone(let why):
      logger.error("content not there", metadata: ["content": "\(message.contentID)", "error": "\(why)"])
      return .status(.notFound, "the content is gone")
    case let error:
      logger.error("content not opened", metadata: ["content": "\(message.contentID)", "error": "\(error)"])
      return .status(.busy, "the server can't read now")
    }
  }
}
