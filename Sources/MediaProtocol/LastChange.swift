/// What an event of AVTransport says (AVTransport:1, 2.3.1).
package struct TransportChange: Hashable, Sendable {
  package var state: TransportState?
  package var uri: String?

  package init(state: TransportState?, uri: String?) {
    self.state = state
    self.uri = uri
  }

  /// The value of `LastChange` in an event message (UPnP Device Architecture 1.1, 4.3.2): itself an XML document. nil when the event is about something else.
  package static func lastChange(in propertySet: XMLElement) -> String? {
    guard propertySet.name == "propertyset" else { return nil }
    return propertySet.all("property").compactMap { $0.first("LastChange")?.trimmedText }.last { !$0.isEmpty }
  }

  /// Instance 0 of the document in `LastChange`. nil when it says nothing about the transport.
  package init?(lastChange event: XMLElement) {
    guard event.name == "Event", let instance = event.all("InstanceID").first(where: { ($0.attributes["val"] ?? "0") == "0" }) else { return nil }
    let state = instance.first("TransportState")?.attributes["val"].map(TransportState.init(text:))
    let uri = ["AVTransportURI", "CurrentTrackURI"].lazy.compactMap { instance.first($0)?.attributes["val"] }.first { !$0.isEmpty }
    guard state != nil || uri != nil else { return nil }
    self.init(state: state, uri: uri.map { String($0.prefix(LANURL.longest)) })
  }
}

extension TransportState {
  /// As a device writes it; anything that the standard does not know is `.other`.
  package init(text: String) { self = TransportState(rawValue: text.trimmed.uppercased()) ?? .other }
}
