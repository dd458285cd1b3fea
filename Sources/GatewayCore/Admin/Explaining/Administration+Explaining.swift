package import AdminProtocol
import CPNSModel

/// Why something is as it is: from the journal's memory, and from what is on disk.
extension Administration {
  package func explain(pne text: String) async throws(AdminFailure) -> ExplanationReply {
    let entry = try await entry(text)
    let story = await presence(entry)
    return explanation(entry.id.urn, entry.name, "\(entry.name) is \(entry.availability.rawValue) since \(entry.since.iso8601) (\(entry.reason))", story)
  }

  package func explain(delivery text: String) async throws(AdminFailure) -> ExplanationReply {
    let record = try await deliveryRecord(text)
    let consumer = await gateway.inventory.entry(record.order.consumer)
    var story = DeliveryStory.of(record, consumer: consumer, past: gateway.journal.past)
    if record.ending == nil { await addWaiting(record, consumer, &story) }
    return explanation(record.order.id.urn, record.order.content.name, DeliveryStory.state(record, consumer: consumer), story)
  }

  /// What is remembered of what happened, the oldest first.
  package func pastEvents(limit: Int) -> [GatewayEvent] { gateway.journal.past.suffix(limit) }

  // MARK: Inside

  private func explanation(_ subject: String, _ name: String, _ state: String, _ story: Story) -> ExplanationReply {
    ExplanationReply(
      subject: subject, name: name, state: state, because: story.because, nextStep: story.nextStep,
      rememberedSince: UTCTime(gateway.journal.past.first?.at ?? gateway.journal.began))
  }

  private func presence(_ entry: InventoryEntry) async -> Story {
    PresenceStory.of(
      entry, past: gateway.journal.past, began: gateway.journal.began, workers: await gateway.proxy?.workerStates ?? [:])
  }

  private func addWaiting(_ record: DeliveryRecord, _ consumer: InventoryEntry?, _ story: inout Story) async {
    let before = await gateway.deliveries.allLive.count { other in
      other.record.order.consumer == record.order.consumer && other.record.order.id != record.order.id && other.record.accepted < record.accepted
    }
    if before > 0 { story.now("\(before) deliveries to the same device are before it") }
    guard let consumer, consumer.availability != .online else { return }
    story.now("\(consumer.name) is \(consumer.availability.rawValue); a delivery waits a day for it")
    story.take(await presence(consumer))
    if record.source == .server, gateway.uplink.session == nil, record.state == .fetching { story.now("the uplink is down, and the content is at the server") }
  }
}
