package import CPNSModel

/// `pngwctl delivery list`, `pngwctl delivery show`, and how `pngwctl push` ends.
package enum DeliveryScreens {
  package static func list(_ deliveries: [DeliveryReply], now: Timestamp) -> [String] {
    if deliveries.isEmpty { return ["no deliveries yet"] }
    var table = TextTable(["ID", "CONTENT", "TO", "STATE", "BYTES", "WHEN"], kept: [0])
    let all = deliveries.map { EntityID(uuid: $0.deliveryID.uuid) }
    for (delivery, id) in zip(deliveries, all) {
      table.add([
        PNEReference.short(id, among: all), delivery.content.name, consumer(delivery), state(delivery), progress(delivery),
        Phrases.ago((delivery.ended ?? delivery.accepted).timestamp, now: now),
      ])
    }
    return table.lines
  }

  package static func show(_ delivery: DeliveryReply, now: Timestamp, paint: Paint) -> [String] {
    var facts = Facts()
    facts.add("id", delivery.deliveryID.urn)
    facts.add("to", consumer(delivery))
    facts.add("to id", delivery.consumer.urn)
    facts.add("offered by", "\(delivery.source.rawValue) \(delivery.offeredBy.urn)")
    facts.add("type", delivery.content.mediaType)
    facts.add("state", state(delivery), paintOf(delivery, paint))
    facts.add("why", delivery.detail ?? "")
    facts.add("bytes", progress(delivery))
    facts.add("sha256", delivery.sha256 ?? delivery.content.sha256 ?? "")
    facts.add("accepted", Phrases.ago(delivery.accepted.timestamp, now: now))
    if let ended = delivery.ended { facts.add("ended", Phrases.ago(ended.timestamp, now: now)) }
    facts.add("attempts", "\(delivery.attempts)")
    return [paint.bold(Printable.cut(Printable.text(delivery.content.name), to: TextTable.columns))] + facts.lines
  }

  /// One sentence.
  package static func outcome(_ delivery: DeliveryReply) -> String {
    let name = Printable.text(delivery.content.name), consumer = Printable.text(consumer(delivery))
    switch delivery.state {
    case .delivered: return "\(name) was delivered to \(consumer)\(delivery.bytes.map { " (\(Phrases.size($0)))" } ?? "")"
    case .failed: return "\(name) was not delivered to \(consumer): \(Printable.text(delivery.detail ?? delivery.reason ?? "it is not known why"))"
    case .accepted, .fetching, .playing: return "\(name) is on its way to \(consumer) (\(delivery.state.rawValue))"
    }
  }

  private static func consumer(_ delivery: DeliveryReply) -> String { delivery.consumerName ?? String(delivery.consumer.urn.dropFirst(9).prefix(8)) }

  private static func state(_ delivery: DeliveryReply) -> String {
    delivery.state == .failed ? "failed (\(delivery.reason ?? "?"))" : delivery.state.rawValue
  }

  private static func progress(_ delivery: DeliveryReply) -> String {
    let done = delivery.bytes.map(Phrases.size)
    let size = delivery.content.size.map(Phrases.size)
    switch (done, size) {
    case (let done?, let size?): return delivery.state == .delivered || done == size ? done : "\(done) of \(size)"
    case (let done?, nil): return done
    case (nil, let size?): return size
    case (nil, nil): return ""
    }
  }

  private static func paintOf(_ delivery: DeliveryReply, _ paint: Paint) -> @Sendable (String) -> String {
    switch delivery.state {
    case .delivered: paint.good
    case .failed: paint.bad
    case .accepted, .fetching, .playing: paint.doubtful
    }
  }
}
