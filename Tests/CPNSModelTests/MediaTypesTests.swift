import CPNSModel
import Testing

@Suite struct MediaTypesTests {
  @Test func aRendererThatListsQuickTimePlaysMP4() {
    let renderer = DeviceCapabilities(deviceType: "television", accepts: ["video/quicktime", "audio/x-mp3"])
    #expect(renderer.takes("video/mp4"))
    #expect(renderer.takes("audio/mpeg"))
    #expect(!renderer.takes("video/x-matroska"))
  }

  @Test func parametersAndCaseDoNotMatter() {
    #expect(DeviceCapabilities(deviceType: "x", accepts: ["audio/flac"]).takes("Audio/X-FLAC; rate=44100"))
  }

  @Test func anUnknownTypeHasItsOwnNameOnly() { #expect(MediaTypes.names(of: "Application/PDF") == ["application/pdf"]) }
}
