import CPNSModel

/// Why a delivery is where it is, and what would help.
enum DeliveryStory {
  static func of(_ record: DeliveryRecord, consumer: InventoryEntry?, past: [GatewayEvent]) -> Story {
    var story = Story()
    let name = consumer?.name ?? "its consumer"
    story.then(record.accepted, "it was accepted, to go to \(name), from \(source(record.source))")
    story.tell(past.filter { $0.fields["delivery"] == record.order.id.urn && $0.kind != .deliveryAccepted })
    if record.attempts > 1 { story.now("it was begun \(record.attempts) times") }
    guard let ending = record.ending else {
      if consumer == nil { story.now("its consumer is not in the inventory any more") }
      return story
    }
    story.then(ending.at, how(ending.outcome, name))
    if ending.outcome.state == .failed { story.advise(advice(ending.outcome.reason, name)) }
    return story
  }

  static func state(_ record: DeliveryRecord, consumer: InventoryEntry?) -> String {
    let name = consumer?.name ?? "a device that was removed"
    switch record.state {
    case .accepted: return "\(record.order.content.name) waits for \(name)"
    case .fetching: return "\(record.order.content.name) is being fetched for \(name)"
    case .playing: return "\(record.order.content.name) is playing on \(name)"
    case .delivered: return "\(record.order.content.name) was delivered to \(name)"
    case .failed: return "\(record.order.content.name) was not delivered to \(name)"
    }
  }

  private static func source(_ source: ContentSource) -> String {
    switch source {
    case .server: "the CPNS Server"
    case .mediaServer: "a media server"
    case .staged: "an administrator"
    }
  }

  private static func how(_ outcome: DeliveryOutcome, _ name: String) -> String {
    guard outcome.state == .failed else { return "\(name) has it: \(outcome.bytes) bytes" }
    return "it failed: \(outcome.reason)\(outcome.detail.isEmpty ? "" : ", \(outcome.detail)")"
  }

  /// By the reasons that the gateway and PNEs give.
  private static func advice(_ reason: String, _ name: String) -> String {
    switch reason {
    case "consumer-offline": "bring \(name) online, and send it again; pngwctl explain says why it is offline"
    case "consumer-refused": "see what \(name) accepts (pngwctl pne show) and why it refused"
    case "consumer-removed": "pair it again, and send it again"
    case "not-playable": "send a variant of a type that \(name) takes (pngwctl pne show)"
    case "device-refused": "try another variant; look up the error of the device"
    case "device-unreachable": "see that \(name) is on, and send it again"
    case "content-gone", "hash-mismatch": "send the content again"
    case "content-unreachable": "see that where the content comes from can be reached: the uplink, or the media server"
    case "content-refused": "choose an object whose address is the media server's own"
    case "no-room": "free room on the disk, or raise state.content_quota_mib in pngw.toml"
    case "storage": "run pngwctl doctor: the disk has trouble"
    case "relay": "run pngwctl doctor: devices can't fetch from this gateway"
    case "given-up": "look at the log: it was begun again and again, and never ended"
    default: "send it again, and watch it: pngwctl watch"
    }
  }
}
