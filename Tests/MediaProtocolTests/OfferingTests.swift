import MediaProtocol
import Testing

@Suite struct OfferingTests {
  @Test func contentIsOfferedUnderTheNameThatTheDeviceLists() {
    let quickTime = ["http-get:*:video/quicktime:*"]
    #expect(ProtocolInfo.offering(mediaType: "video/mp4", sink: quickTime).contentFormat == "video/quicktime")
    #expect(ProtocolInfo.offering(mediaType: "video/mp4", sink: quickTime + ["http-get:*:video/mp4:*"]).contentFormat == "video/mp4")
  }

  @Test func whatTheDeviceDoesNotListKeepsItsName() {
    #expect(ProtocolInfo.offering(mediaType: "video/mp4", sink: ["http-get:*:*:*"]).contentFormat == "video/mp4")
    #expect(ProtocolInfo.offering(mediaType: "image/png", sink: []).contentFormat == "image/png")
  }
}
