import CPNSMessages
import CPNSModel
import Foundation
import SwiftProtobuf
import Testing

@Suite struct ConversionTests {
  private let capabilities = DeviceCapabilities(
    deviceType: "television", manufacturer: "Acme", model: "X", software: "1", accepts: ["video/mp4"], bearers: ["upnp"],
    sinkProtocolInfo: ["http-get:*:video/mp4:*"])
  private var content: ContentDescription {
    ContentDescription(id: .random(), name: "clip.mp4", mediaType: "video/mp4", size: 5, sha256: Array(repeating: 3, count: 32))
  }

  @Test func anInventoryEntrySurvivesTheWire() throws {
    let id = EntityID.random()
    let entry = InventoryEntry(
      id: id, name: "TV", kind: .virtualPNE, capabilities: capabilities,
      services: [ServiceDescription(id: .random(), name: "TV", type: "media-rendering", keywords: ["play"], offeredBy: id)],
      availability: .online, reason: "alive", since: Timestamp(milliseconds: 7), attributes: ["udn": "x"])
    let message = try Cpns_V1_InventoryEntry(serializedBytes: Cpns_V1_InventoryEntry(entry).bytes)
    #expect(try InventoryEntry(checking: message) == entry)
  }

  @Test func anOfferAResultAndAUsageRecordSurviveTheWire() throws {
    let order = DeliveryOrder(id: .random(), content: content, consumer: .random(), offeredBy: .random())
    #expect(try DeliveryOrder(checking: Cpns_V1_DeliveryOffer(order)) == order)
    let outcome = DeliveryOutcome(delivery: order.id, state: .failed, reason: "x", detail: "y", bytes: 4, sha256: nil)
    #expect(try DeliveryOutcome(checking: Cpns_V1_DeliveryResult(outcome)) == outcome)
    let usage = UsageRecord(
      id: .random(), consumer: order.consumer, delivery: order.id, content: content, serviceType: "media-rendering",
      started: Timestamp(milliseconds: 1), ended: Timestamp(milliseconds: 2), bytes: 5, outcome: .delivered, capabilities: capabilities)
    #expect(try UsageRecord(checking: Cpns_V1_UsageReport(usage)) == usage)
  }

  @Test func whatAnOfferLacksIsNamed() {
    func problem(_ change: (inout Cpns_V1_DeliveryOffer) -> Void) -> String? {
      var offer = Cpns_V1_DeliveryOffer(DeliveryOrder(id: .random(), content: content, consumer: .random(), offeredBy: .random()))
      change(&offer)
      do {
        _ = try DeliveryOrder(checking: offer)
        return nil
      } catch { return error.field }
    }
    #expect(problem { $0.deliveryID = "7" } == "DeliveryOffer.delivery_id")
    #expect(problem { $0.consumer = "" } == "DeliveryOffer.consumer")
    #expect(problem { $0.content.name = "../../etc/passwd" } == "ContentDescription.name")
    #expect(problem { $0.content.name = "a\u{0}b" } == "ContentDescription.name")
    #expect(problem { $0.content.name = "" } == "ContentDescription.name")
    #expect(problem { $0.content.name = String(repeating: "x", count: 129) } == "ContentDescription.name")
    #expect(problem { $0.content.mediaType = "video" } == "ContentDescription.media_type")
    #expect(problem { $0.content.sha256 = Data([1, 2]) } == "ContentDescription.sha256")
    #expect(problem { _ in } == nil)
  }

  @Test func boundsOnListsHold() {
    var message = Cpns_V1_DeviceCapabilities(capabilities)
    message.accepts = Array(repeating: "a/b", count: Limits.mediaTypes + 1)
    #expect(throws: MessageError.self) { try DeviceCapabilities(checking: message) }
    let many = Array(repeating: Cpns_V1_ServiceDescription(), count: Limits.services + 1)
    #expect(throws: MessageError.self) { try ServiceDescription.list(checking: many) }
  }
}
