package import CPNSModel
import FoundationEssentials

extension Cpns_V1_ContentDescription {
  package init(_ model: ContentDescription) {
    self.init()
    contentID = model.id.urn
    name = model.name
    mediaType = model.mediaType
    if let known = model.size { size = known }
    sha256 = Data(model.sha256 ?? [])
  }
}

extension ContentDescription {
  package init(checking message: Cpns_V1_ContentDescription) throws(MessageError) {
    let title = try CPNSMessages.name(message.name, "ContentDescription.name")
    guard !title.contains("/") else { throw MessageError("ContentDescription.name", "must not contain \"/\"") }
    let type = try CPNSMessages.name(message.mediaType, "ContentDescription.media_type")
    guard type.split(separator: "/", omittingEmptySubsequences: false).count == 2, !type.contains(" ") else {
      throw MessageError("ContentDescription.media_type", "expected type/subtype")
    }
    self.init(
      id: try identifier(message.contentID, "ContentDescription.content_id"), name: title, mediaType: type,
      size: message.hasSize ? message.size : nil, sha256: try digest(message.sha256, "ContentDescription.sha256"))
  }
}

extension Cpns_V1_DeliveryOffer {
  package init(_ model: DeliveryOrder) {
    self.init()
    deliveryID = model.id.urn
    content = Cpns_V1_ContentDescription(model.content)
    consumer = model.consumer.urn
    offeredBy = model.offeredBy.urn
  }
}

extension DeliveryOrder {
  package init(checking message: Cpns_V1_DeliveryOffer) throws(MessageError) {
    self.init(
      id: try identifier(message.deliveryID, "DeliveryOffer.delivery_id"),
      content: try ContentDescription(checking: message.content),
      consumer: try identifier(message.consumer, "DeliveryOffer.consumer"),
      offeredBy: try identifier(message.offeredBy, "DeliveryOffer.offered_by"))
  }
}

extension Cpns_V1_DeliveryState {
  package init(_ model: DeliveryState) {
    self =
      switch model {
      case .accepted: .accepted
      case .fetching: .fetching
      case .playing: .playing
      case .delivered: .delivered
      case .failed: .failed
      }
  }
}

extension DeliveryState {
  package init(checking message: Cpns_V1_DeliveryState) throws(MessageError) {
    switch message {
    case .accepted: self = .accepted
    case .fetching: self = .fetching
    case .playing: self = .playing
    case .delivered: self = .delivered
    case .failed: self = .failed
    case .unspecified, .UNRECOGNIZED: throw MessageError("state", "expected a DeliveryState")
    }
  }
}

extension Cpns_V1_DeliveryResult {
  package init(_ model: DeliveryOutcome) {
    self.init()
    deliveryID = model.delivery.urn
    state = Cpns_V1_DeliveryState(model.state)
    reason = model.reason
    detail = model.detail
    bytes = model.bytes
    sha256 = Data(model.sha256 ?? [])
  }
}

extension DeliveryOutcome {
  package init(checking message: Cpns_V1_DeliveryResult) throws(MessageError) {
    let state = try DeliveryState(checking: message.state)
    guard state.isFinal else { throw MessageError("DeliveryResult.state", "expected DELIVERED or FAILED") }
    self.init(
      delivery: try identifier(message.deliveryID, "DeliveryResult.delivery_id"), state: state,
      reason: try text(message.reason, "DeliveryResult.reason"),
      detail: try text(message.detail, "DeliveryResult.detail", upTo: 512),
      bytes: message.bytes, sha256: try digest(message.sha256, "DeliveryResult.sha256"))
  }
}

extension Cpns_V1_UsageReport {
  package init(_ model: UsageRecord) {
    self.init()
    usageID = model.id.urn
    consumer = model.consumer.urn
    deliveryID = model.delivery.urn
    content = Cpns_V1_ContentDescription(model.content)
    serviceType = model.serviceType
    startedMs = model.started.milliseconds
    endedMs = model.ended.milliseconds
    bytes = model.bytes
    outcome = Cpns_V1_DeliveryState(model.outcome)
    capabilities = Cpns_V1_DeviceCapabilities(model.capabilities)
  }
}

extension UsageRecord {
  package init(checking message: Cpns_V1_UsageReport) throws(MessageError) {
    self.init(
      id: try identifier(message.usageID, "UsageReport.usage_id"),
      consumer: try identifier(message.consumer, "UsageReport.consumer"),
      delivery: try identifier(message.deliveryID, "UsageReport.delivery_id"),
      content: try ContentDescription(checking: message.content),
      serviceType: try CPNSMessages.name(message.serviceType, "UsageReport.service_type"),
      started: Timestamp(milliseconds: message.startedMs),
      ended: Timestamp(milliseconds: message.endedMs),
      bytes: message.bytes,
      outcome: try DeliveryState(checking: message.outcome),
      capabilities: try DeviceCapabilities(checking: message.capabilities))
  }
}
