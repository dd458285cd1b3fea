package import CPNSModel

/// `pngwctl pne list`, `pngwctl pne show`
package enum PNEScreens {
  /// Media types that are named; a GStreamer renderer has 250.
  private static let mostTypes = 16

  package static func list(_ pnes: [PNEReply], now: Timestamp) -> [String] {
    if pnes.isEmpty { return ["no devices yet: pair one with pngwctl pair, or switch a UPnP device on"] }
    var table = TextTable(["ID", "NAME", "KIND", "STATE", "SINCE"], kept: [0])
    let all = pnes.map(\.entityID)
    for pne in pnes {
      table.add([
        PNEReference.short(pne.entityID, among: all), pne.name, pne.kind, "\(pne.availability) (\(pne.reason))",
        Phrases.ago(pne.since.timestamp, now: now),
      ])
    }
    return table.lines
  }

  package static func show(_ pne: PNEReply, now: Timestamp, paint: Paint) -> [String] {
    var facts = Facts()
    facts.add("id", pne.entityID.urn)
    facts.add("kind", pne.kind)
    facts.add(
      "state", "\(pne.availability) (\(pne.reason)), \(Phrases.ago(pne.since.timestamp, now: now))", pne.availability == "online" ? paint.good : paint.doubtful)
    if let paired = pne.paired { facts.add("paired", paired ? "yes" : "no") }
    facts.add("device", pne.capabilities.deviceType)
    facts.add("made by", [pne.capabilities.manufacturer, pne.capabilities.model].filter { !$0.isEmpty }.joined(separator: ", "))
    facts.add("software", pne.capabilities.software)
    facts.add("bearers", pne.capabilities.bearers.joined(separator: ", "))
    facts.add("accepts", types(pne.capabilities.accepts))
    for (name, value) in pne.attributes.sorted(by: { $0.key < $1.key }) { facts.add(Printable.cut(Printable.text(name), to: 16), value) }
    for service in pne.services { facts.add("service", "\(service.name) (\(service.serviceType))") }
    return [paint.bold(Printable.cut(Printable.text(pne.name), to: TextTable.columns))] + facts.lines
  }

  private static func types(_ all: [String]) -> String {
    let more = all.count > mostTypes ? " and \(all.count - mostTypes) more; --json has all" : ""
    return all.prefix(mostTypes).joined(separator: " ") + more
  }
}
