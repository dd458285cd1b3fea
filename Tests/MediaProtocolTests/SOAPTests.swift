import MediaProtocol
import Testing

@Suite struct SOAPTests {
  let action = SOAPAction("urn:schemas-upnp-org:service:AVTransport:1", "SetAVTransportURI", [.init("InstanceID", "0"), .init("CurrentURI", "http://x/?a=1&b=<2>")])

  private func envelope(_ body: [XMLElement]) -> XMLElement { XMLElement("Envelope", children: [XMLElement("Body", children: body)]) }

  @Test func theRequestCarriesItsArgumentsEscapedAndInOrder() {
    #expect(action.header == "\"urn:schemas-upnp-org:service:AVTransport:1#SetAVTransportURI\"")
    #expect(action.body.contains("<InstanceID>0</InstanceID><CurrentURI>http://x/?a=1&amp;b=&lt;2&gt;</CurrentURI></u:SetAVTransportURI>"))
  }

  @Test func theAnswerGivesTheArguments() throws {
    let answer = envelope([XMLElement("SetAVTransportURIResponse", children: [XMLElement("A", text: "1"), XMLElement("B")])])
    #expect(try action.answer(answer) == ["A": "1", "B": ""])
  }

  @Test func aFaultGivesItsCodeAndText() {
    let error = XMLElement("UPnPError", children: [XMLElement("errorCode", text: " 714 "), XMLElement("errorDescription", text: "Illegal MIME-Type")])
    let fault = XMLElement("Fault", children: [XMLElement("faultstring", text: "UPnPError"), XMLElement("detail", children: [error])])
    #expect(throws: MediaError.fault(code: 714, text: "Illegal MIME-Type")) { try action.answer(envelope([fault])) }
  }

  @Test func aFaultWithoutDetailStillIsOne() {
    let fault = XMLElement("Fault", children: [XMLElement("faultstring", text: "oops")])
    #expect(throws: MediaError.fault(code: 0, text: "oops")) { try action.answer(envelope([fault])) }
    let code = XMLElement("Fault", children: [XMLElement("detail", children: [XMLElement("UPnPError", children: [XMLElement("errorCode", text: "716")])])])
    #expect(throws: MediaError.fault(code: 716, text: "the device did not find the content")) { try action.answer(envelope([code])) }
  }

  @Test func whatIsNeitherYesNorNoIsMalformed() {
    for answer in [XMLElement("html"), XMLElement("Envelope"), envelope([]), envelope([XMLElement("PlayResponse")])] {
      let error = #expect(throws: MediaError.self) { try action.answer(answer) }
      guard case .malformed = error else { return #expect(Bool(false), "\(String(describing: error))") }
    }
  }
}

@Suite struct DIDLTests {
  @Test func metadataOfATitleWithMarkupIsStillOneDocument() {
    let info = ProtocolInfo.offering(mediaType: "video/mp4", sink: [])
    let text = DIDL.item(title: "a<b>&\"c\"\u{0}", mediaType: "video/mp4", url: "http://h/t?a&b", protocolInfo: info, size: 12)
    #expect(text.contains("<dc:title>a&lt;b&gt;&amp;&quot;c&quot;</dc:title>"))
    #expect(text.contains("size=\"12\">http://h/t?a&amp;b</res>"))
    #expect(text.contains("DLNA.ORG_OP=01;DLNA.ORG_CI=0;DLNA.ORG_FLAGS=01700000000000000000000000000000"))
    #expect(text.contains("<upnp:class>object.item.videoItem"))
  }

  @Test func objectsAndContainersAreRead() throws {
    let res = XMLElement("res", attributes: ["protocolInfo": "http-get:*:audio/mpeg:*", "size": "64592"], text: " http://10.0.0.9/1.mp3 ")
    let root = XMLElement("DIDL-Lite", children: [
      XMLElement("container", attributes: ["id": "1"], children: [XMLElement("title", text: "Music"), XMLElement("class", text: "object.container")]),
      XMLElement("item", attributes: ["id": "1$0"], children: [XMLElement("title", text: "Tone"), XMLElement("class", text: "object.item"), res]),
    ])
    #expect(try DIDL.objects(root) == [
      MediaObject(id: "1", title: "Music", upnpClass: "object.container", isContainer: true, resources: []),
      MediaObject(
        id: "1$0", title: "Tone", upnpClass: "object.item", isContainer: false,
        resources: [MediaResource(protocolInfo: "http-get:*:audio/mpeg:*", url: "http://10.0.0.9/1.mp3", size: 64592)]),
    ])
  }

  @Test func oddObjectsAreLeftOutAndLongOnesCut() throws {
    let long = String(repeating: "x", count: 5000)
    let root = XMLElement("DIDL-Lite", children: [
      XMLElement("item"), XMLElement("desc", attributes: ["id": "d"]), XMLElement("item", attributes: ["id": long]),
      XMLElement("item", attributes: ["id": "ok"], children: [
        XMLElement("title", text: long), XMLElement("res", text: "http://x/"), XMLElement("res", attributes: ["protocolInfo": "a"], text: "http://" + long),
        XMLElement("res", attributes: ["protocolInfo": "a", "size": "-1"], text: "http://x/"),
      ]),
    ])
    let objects = try DIDL.objects(root)
    #expect(objects.map(\.id) == ["ok"])
    #expect(objects.first?.title.count == DIDL.longestText)
    #expect(objects.first?.resources == [MediaResource(protocolInfo: "a", url: "http://x/", size: nil)])
  }

  @Test func morePagesThanAskedForAreNotRead() throws {
    let root = XMLElement("DIDL-Lite", children: (0..<500).map { XMLElement("item", attributes: ["id": "\($0)"]) })
    #expect(try DIDL.objects(root).count == DIDL.mostObjects)
    #expect(throws: MediaError.self) { try DIDL.objects(XMLElement("html")) }
  }
}

@Suite struct ProtocolInfoTests {
  @Test func aListIsSplitAtItsCommasButNotAtEscapedOnes() {
    #expect(ProtocolInfo.list("http-get:*:audio/mpeg:*, http-get:*:a/b:X=1\\,2,,") == ["http-get:*:audio/mpeg:*", "http-get:*:a/b:X=1,2"])
    #expect(ProtocolInfo.list("") == [])
  }

  @Test func aListWithoutEndIsCut() {
    #expect(ProtocolInfo.list(String(repeating: "a:b:c:d,", count: 5000)).count == ProtocolInfo.most)
  }

  @Test func theTypesOfASinkAreGivenOnceInItsOrder() {
    let sink = [
      "http-get:*:video/MP4:DLNA.ORG_PN=X", "http-get:*:audio/L16;rate=44100;channels=2:*", "rtsp-rtp-udp:*:video/x-rtp:*", "http-get:*:video/mp4:*",
      "http-get:*:*:*", "nonsense", "http-get:*:no-slash:*", "http-get:*:a/b/c:*", "http-get:*:a b/<x>:*",
    ]
    #expect(ProtocolInfo.mediaTypes(in: sink, limit: 10) == ["video/mp4", "audio/l16", "*/*"])
    #expect(ProtocolInfo.mediaTypes(in: sink, limit: 1) == ["video/mp4"])
  }
}

@Suite struct MediaTimeTests {
  @Test(arguments: [("0:00:00", 0), ("1:02:03", 3723), ("00:01:00.500", 60), (" 100:59:59 ", 363_599)])
  func aTimeIsRead(text: String, seconds: Int) { #expect(MediaTime.seconds(text) == seconds) }

  @Test(arguments: ["", "NOT_IMPLEMENTED", "1:2", "1:60:00", "1:00:60", "-1:00:00", "99999999999999999999:00:00", "::", "a:bb:cc"])
  func whatIsNoTimeIsNone(text: String) { #expect(MediaTime.seconds(text) == nil) }

  @Test func aTimeIsWritten() {
    #expect(MediaTime.text(seconds: 3723) == "1:02:03")
    #expect(MediaTime.text(seconds: -5) == "0:00:00")
  }
}

@Suite struct LastChangeTests {
  private func event(_ variables: [XMLElement], instance: String = "0") -> XMLElement {
    XMLElement("Event", children: [XMLElement("InstanceID", attributes: ["val": instance], children: variables)])
  }

  @Test func theTransportStateAndTheURIAreRead() {
    let change = TransportChange(lastChange: event([
      XMLElement("TransportState", attributes: ["val": "PAUSED_PLAYBACK"]), XMLElement("CurrentTrackURI", attributes: ["val": "http://track"]),
      XMLElement("AVTransportURI", attributes: ["val": "http://uri"]),
    ]))
    #expect(change == TransportChange(state: .paused, uri: "http://uri"))
  }

  @Test func aVendorsStateIsOther() {
    #expect(TransportChange(lastChange: event([XMLElement("TransportState", attributes: ["val": "X_BUFFERING"])]))?.state == .other)
  }

  @Test func whatSaysNothingOfTheTransportIsNothing() {
    #expect(TransportChange(lastChange: event([XMLElement("Volume", attributes: ["val": "3"])])) == nil)
    #expect(TransportChange(lastChange: event([XMLElement("TransportState", attributes: ["val": "PLAYING"])], instance: "7")) == nil)
    #expect(TransportChange(lastChange: XMLElement("Evil")) == nil)
  }

  @Test func lastChangeIsFoundInItsPropertySet() {
    let property: (String, String) -> XMLElement = { XMLElement("property", children: [XMLElement($0, text: $1)]) }
    let set = XMLElement("propertyset", children: [property("Other", "x"), property("LastChange", " <Event/> ")])
    #expect(TransportChange.lastChange(in: set) == "<Event/>")
    #expect(TransportChange.lastChange(in: XMLElement("propertyset")) == nil)
  }
}
