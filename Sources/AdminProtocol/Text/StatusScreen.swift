import CPNSModel

/// `pngwctl status`
package enum StatusScreen {
  package static func lines(_ status: StatusReply, paint: Paint) -> [String] {
    var facts = Facts()
    facts.add("id", status.entityID.urn)
    facts.add("PN", "\(status.pn.name), revision \(status.pn.revision)")
    facts.add("PN id", status.pn.id.urn)
    facts.add("uplink", uplink(status), status.uplink.state == .connected ? paint.good : paint.doubtful)
    facts.add("clock", clock(status), status.clock.plausible ? paint.plain : paint.bad)
    facts.add("PNEs", status.elements.port.map { "port \($0), \(status.elements.linked) linked" } ?? "not listening yet")
    facts.add("UPnP", status.interfaces.isEmpty ? "no interface" : status.interfaces.map { "\($0.name) \($0.up ? "up" : "down")" }.joined(separator: ", "))
    facts.add("devices", devices(status.devices))
    facts.add("outbox", outbox(status))
    facts.add("deliveries", status.liveDeliveries == 0 ? "none under way" : "\(status.liveDeliveries) under way")
    facts.add("pairing", pairing(status))
    let title = "\(Printable.cut(Printable.text(status.name), to: 50)) (\(Printable.text(status.software)))"
    return [paint.bold(title)] + facts.lines + status.warnings.flatMap { warning($0, paint) }
  }

  private static func uplink(_ status: StatusReply) -> String {
    let uplink = status.uplink
    let lasting = Phrases.duration(max(0, (status.now.timestamp.milliseconds &- uplink.since.timestamp.milliseconds) / 1000))
    let server = uplink.server ?? "no server"
    switch uplink.state {
    case .notEnrolled: return "not enrolled with a server"
    case .connected: return "connected to \(server) for \(lasting)"
    case .connecting: return "connecting to \(server); down for \(lasting)"
    case .waiting: return "down for \(lasting), \(server)\(uplink.detail.map { ": \($0)" } ?? "")"
    }
  }

  private static func devices(_ devices: StatusReply.Devices) -> String {
    let parts = [(devices.online, "online"), (devices.busy, "busy"), (devices.offline, "offline")].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return parts.isEmpty ? "none" : parts.joined(separator: ", ")
  }

  private static func outbox(_ status: StatusReply) -> String {
    let outbox = status.outbox
    if outbox.messages == 0 { return "empty" }
    let oldest = outbox.oldest.map { ", the oldest made \(Phrases.ago($0.timestamp, now: status.now.timestamp))" } ?? ""
    let full = outbox.fullInHours.map { "; the disk is full in \(Phrases.count($0, "hour"))" } ?? ""
    return Phrases.count(outbox.messages, "message") + oldest + full
  }

  private static func clock(_ status: StatusReply) -> String {
    let now = status.now.timestamp.iso8601
    return "\(now.prefix(10)) \(now.dropFirst(11).prefix(8)) UTC" + (status.clock.plausible ? "" : ", which can't be right")
  }

  private static func pairing(_ status: StatusReply) -> String {
    guard status.pairing.open, let expires = status.pairing.expires else { return "closed" }
    return "open for another \(Phrases.duration((expires.timestamp.milliseconds &- status.now.timestamp.milliseconds) / 1000))"
  }

  private static func warning(_ warning: StatusReply.Warning, _ paint: Paint) -> [String] {
    let head = "\(warning.severity): \(warning.code)\(warning.subject.isEmpty ? "" : " (\(Printable.text(warning.subject)))")"
    let colour = warning.severity == "error" ? paint.bad : paint.doubtful
    let affects = warning.affects.isEmpty ? [] : ["affects: " + Printable.text(warning.affects)]
    let body = [Printable.text(warning.cause)] + affects + ["next step: " + Printable.text(warning.nextStep)]
    return ["", colour(head)] + body.flatMap { Printable.wrapped($0, to: TextTable.columns - 2).map { "  " + $0 } }
  }
}
