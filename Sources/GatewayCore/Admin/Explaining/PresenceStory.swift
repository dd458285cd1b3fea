import CPNSModel

/// Why a device is online, busy or offline.
enum PresenceStory {
  /// How far before a device went something else counts as a cause.
  private static let windowMilliseconds: Int64 = 120_000

  static func of(_ entry: InventoryEntry, past: [GatewayEvent], began: Timestamp, workers: [String: Bool]) -> Story {
    var story = Story()
    story.then(entry.since, sentence(entry))
    story.tell(past.filter { $0.fields["entity"] == entry.id.urn }.suffix(8))
    if entry.availability == .offline {
      story.advise(advice(entry))
      lookAround(entry, past, workers, &story)
    }
    if began > entry.since || entry.reason == "not-seen" { story.then(began, "the gateway started") }
    return story
  }

  private static func lookAround(_ entry: InventoryEntry, _ past: [GatewayEvent], _ workers: [String: Bool], _ story: inout Story) {
    guard let interface = entry.attributes["interface"] else { return }
    if workers[interface] == false { story.now("the UPnP worker on \(interface) is down, so nobody looks for it there") }
    if workers[interface] == nil, !workers.isEmpty || entry.kind == .virtualPNE { story.now("\(interface), where it was last seen, has no UPnP worker now") }
    story.tell(past.filter { event in
      event.kind == .workerDown && event.fields["interface"] == interface && entry.since.milliseconds >= event.at.milliseconds
        && entry.since.milliseconds - event.at.milliseconds < windowMilliseconds
    })
  }

  private static func sentence(_ entry: InventoryEntry) -> String {
    switch (entry.availability, entry.reason) {
    case (.offline, "link-lost"): "its link was lost"
    case (.offline, "not-seen"): "it was not seen since the gateway's start"
    case (.offline, "byebye"): "it said goodbye: it was switched off, or left the network"
    case (.offline, "max-age"): "its last announcement ran out, and no other came"
    case (.offline, "probe-failed"): "it did not answer when it was asked whether it is still there"
    case (.online, "registered"): "it connected and registered"
    case (.online, "alive"): "it announced itself, and its description was read"
    case (let availability, let reason): "it became \(availability.rawValue)\(reason.isEmpty ? "" : ": \(reason)")"
    }
  }

  private static func advice(_ entry: InventoryEntry) -> String {
    entry.kind == .virtualPNE
      ? "see that it is switched on and in the network of \(entry.attributes["interface"] ?? "this gateway"); pngwctl doctor says whether its announcements can arrive"
      : "see that it is on, that its pne runs, and that it can reach this gateway's port"
  }
}
