import CPNSModel
import Foundation
import Testing

@Suite struct IdentifierTests {
  @Test func aURNOfEitherCaseIsReadAndWrittenInLowerCase() {
    let id = EntityID(urn: "URN:UUID:6F2A1F5C-3B0E-5D37-9A44-8D1C6A0B7E21")
    #expect(id?.urn == "urn:uuid:6f2a1f5c-3b0e-5d37-9a44-8d1c6a0b7e21")
  }

  @Test(arguments: ["", "urn:uuid:", "6f2a1f5c-3b0e-5d37-9a44-8d1c6a0b7e21", "urn:uuid:6f2a1f5c-3b0e-5d37-9a44-8d1c6a0b7e2", "urn:uuid:6f2a1f5c-3b0e-5d37-9a44-8d1c6a0b7e21x", "urn:oid:6f2a1f5c-3b0e-5d37-9a44-8d1c6a0b7e211"])
  func whatIsNoURNIsRefused(text: String) { #expect(EntityID(urn: text) == nil) }

  @Test func aPNETakesWhatItsWildcardsCover() {
    let tv = DeviceCapabilities(deviceType: "television", accepts: ["video/mp4", "image/*"])
    #expect(tv.takes("video/mp4"))
    #expect(tv.takes("IMAGE/JPEG"))
    #expect(!tv.takes("audio/mpeg"))
    #expect(DeviceCapabilities(deviceType: "x", accepts: ["*/*"]).takes("audio/mpeg"))
  }
}
