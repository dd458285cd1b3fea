import MediaProtocol
import Testing

/// A tree in few words: `leaf("a", "text")`, `XMLElement("a", children: […])`.
private func leaf(_ name: String, _ text: String) -> XMLElement { XMLElement(name, text: text) }

private func service(_ type: String, control: String, event: String = "/event") -> XMLElement {
  XMLElement("service", children: [
    leaf("serviceType", "urn:schemas-upnp-org:service:\(type):1"), leaf("controlURL", control), leaf("eventSubURL", event),
  ])
}

private func device(_ type: String, udn: String, _ more: [XMLElement] = []) -> XMLElement {
  XMLElement("device", children: [
    leaf("deviceType", "urn:schemas-upnp-org:device:\(type):1"), leaf("friendlyName", " Living\nRoom "), leaf("manufacturer", "Acme"),
    leaf("modelName", "TV 1"), leaf("UDN", udn),
  ] + more)
}

@Suite struct DeviceDescriptionTests {
  let location: LANURL
  let policy = LANPolicy(local: IPAddress(10, 0, 0, 1), prefix: 24)

  init() throws { location = try LANURL("http://10.0.0.9:49152/dir/desc.xml") }

  private func read(_ root: XMLElement) throws(DescriptionRefusal) -> DeviceDescription {
    try DeviceDescription(root, location: location) { url throws(LANRefusal) in try policy.check(url, from: IPAddress(10, 0, 0, 9)) }
  }

  private func root(_ device: XMLElement, base: String? = nil) -> XMLElement {
    XMLElement("root", children: (base.map { [leaf("URLBase", $0)] } ?? []) + [device])
  }

  @Test func aRendererIsReadWithItsServices() throws {
    let services = XMLElement("serviceList", children: [service("AVTransport", control: "control/avt"), service("RenderingControl", control: "")])
    let description = try read(root(device("MediaRenderer", udn: "uuid:abc", [services])))
    let tv = try #require(description.devices.first)
    #expect(tv.udn == UDN("abc"))
    #expect(tv.role == .renderer)
    #expect(tv.friendlyName == "Living Room")
    #expect(tv.services.map(\.kind) == [.avTransport])
    #expect(tv.service(.avTransport)?.control.description == "http://10.0.0.9:49152/dir/control/avt")
    #expect(tv.service(.avTransport)?.event?.description == "http://10.0.0.9:49152/event")
  }

  @Test func embeddedDevicesCountByTheirOwnUDN() throws {
    let list = XMLElement("deviceList", children: [device("MediaRenderer", udn: "uuid:r"), device("MediaServer", udn: "uuid:s"), device("Other", udn: "uuid:o")])
    let description = try read(root(device("Basic", udn: "uuid:root", [list])))
    #expect(description.devices.map(\.udn.value) == ["r", "s"])
    #expect(description.devices.map(\.role) == [.renderer, .server])
    #expect(description.udns == [UDN("root"), UDN("r"), UDN("s"), UDN("o")])
  }

  @Test func theURLBaseCountsWhenThereIsOne() throws {
    let services = XMLElement("serviceList", children: [service("ContentDirectory", control: "cd", event: "")])
    let description = try read(root(device("MediaServer", udn: "uuid:s", [services]), base: "http://10.0.0.9:8200/"))
    #expect(description.devices.first?.service(.contentDirectory)?.control.description == "http://10.0.0.9:8200/cd")
    #expect(description.devices.first?.service(.contentDirectory)?.event == nil)
  }

  @Test(arguments: ["http://10.0.0.10/", "http://127.0.0.1/", "http://evil.example/", "https://10.0.0.9/", "nonsense"])
  func aURLBaseElsewhereIsRefused(base: String) {
    #expect(throws: DescriptionRefusal.self) { try read(root(device("MediaServer", udn: "uuid:s"), base: base)) }
  }

  @Test(arguments: ["http://10.0.0.10/c", "http://127.0.0.1:631/", "http://[::1]/", "//169.254.169.254/latest", "ftp://10.0.0.9/", "http://10.0.0.1/"])
  func aControlURLElsewhereIsRefusedAndSaid(url: String) {
    let services = XMLElement("serviceList", children: [service("AVTransport", control: url)])
    let error = #expect(throws: DescriptionRefusal.self) { try read(root(device("MediaRenderer", udn: "uuid:r", [services]))) }
    #expect(error.map { "\($0)".hasPrefix("controlURL of AVTransport: ") } == true)
  }

  @Test func anEventURLElsewhereIsRefused() {
    let services = XMLElement("serviceList", children: [service("AVTransport", control: "/c", event: "http://192.0.2.7/")])
    #expect(throws: DescriptionRefusal.self) { try read(root(device("MediaRenderer", udn: "uuid:r", [services]))) }
  }

  @Test func whatIsNoDescriptionIsRefused() {
    #expect(throws: DescriptionRefusal.self) { try read(leaf("html", "")) }
    #expect(throws: DescriptionRefusal.self) { try read(XMLElement("root")) }
    #expect(throws: DescriptionRefusal.self) { try read(root(device("MediaRenderer", udn: ""))) }
    #expect(throws: DescriptionRefusal.self) { try read(root(device("MediaRenderer", udn: "uuid:" + String(repeating: "a", count: 200)))) }
    #expect(throws: DescriptionRefusal.self) { try read(root(device("MediaRenderer", udn: "uuid:a\u{0}b c"))) }
  }

  @Test func tooManyDevicesOrServicesAreRefused() {
    let many = XMLElement("deviceList", children: (0..<DeviceDescription.mostDevices).map { device("Other", udn: "uuid:\($0)") })
    #expect(throws: DescriptionRefusal.malformed("it has more than 32 devices")) { try read(root(device("Basic", udn: "uuid:root", [many]))) }
    let services = XMLElement("serviceList", children: (0...DeviceDescription.mostServices).map { service("X\($0)", control: "/") })
    #expect(throws: DescriptionRefusal.malformed("a device has more than 32 services")) { try read(root(device("MediaServer", udn: "uuid:s", [services]))) }
  }

  @Test func aLongNameIsCutAndControlCharactersAreGone() throws {
    var tv = device("MediaRenderer", udn: "uuid:r")
    tv.children[1].text = "\u{1B}[31m" + String(repeating: "x", count: 1000)
    let name = try #require(try read(root(tv)).devices.first?.friendlyName)
    #expect(name.count <= DeviceDescription.longestName)
    #expect(!name.contains("\u{1B}"))
  }
}
