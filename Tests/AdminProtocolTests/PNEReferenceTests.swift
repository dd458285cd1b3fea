import AdminProtocol
import CPNSModel
import Foundation
import Testing

@Suite struct PNEReferenceTests {
  func pne(_ uuid: String, _ name: String) throws -> PNEReply {
    PNEReply(
      InventoryEntry(
        id: EntityID(uuid: try #require(UUID(uuidString: uuid))), name: name, kind: .pne, capabilities: DeviceCapabilities(deviceType: "phone"),
        availability: .online, reason: "", since: Timestamp(milliseconds: 0)), paired: true)
  }

  func all() throws -> [PNEReply] {
    [
      try pne("ABCDEF01-0000-0000-0000-000000000001", "Phone"), try pne("ABCDEF01-0000-0000-0000-000000000002", "TV"),
      try pne("12345678-0000-0000-0000-000000000003", "TV"), try pne("99999999-0000-0000-0000-000000000004", "abcdef01-0000-0000-0000-000000000001"),
    ]
  }

  @Test(arguments: [
    "urn:uuid:12345678-0000-0000-0000-000000000003", "URN:UUID:12345678-0000-0000-0000-000000000003", "12345678-0000-0000-0000-000000000003", "123",
    "urn:uuid:1234", "12345678-",
  ])
  func aPNEIsNamedByItsIdOrTheBeginningOfIt(_ text: String) throws {
    #expect(try PNEReference.resolve(text, in: all()).entityID.urn == "urn:uuid:12345678-0000-0000-0000-000000000003")
  }

  @Test func aPNEIsNamedByItsExactName() throws {
    #expect(try PNEReference.resolve("Phone", in: all()).name == "Phone")
    #expect(throws: PNEReference.Failure.unknown("phone")) { try PNEReference.resolve("phone", in: try all()) }
  }

  @Test func aNameWinsOverTheBeginningOfAnIdButNotOverAWholeURN() throws {
    #expect(try PNEReference.resolve("abcdef01-0000-0000-0000-000000000001", in: all()).entityID.urn.hasSuffix("4"))
    #expect(try PNEReference.resolve("urn:uuid:abcdef01-0000-0000-0000-000000000001", in: all()).name == "Phone")
  }

  @Test func whatMayMeanTwoIsToldWithBoth() throws {
    for text in ["TV", "abcdef01"] {
      #expect { try PNEReference.resolve(text, in: try all()) } throws: { error in
        guard case .ambiguous(text, let candidates) = error as? PNEReference.Failure else { return false }
        return candidates.count == 2
      }
    }
  }

  @Test(arguments: ["", "12", "urn:uuid:", "urn:uuid:00000000-0000-0000-0000-000000000000", "zzz", "Ph"])
  func whatMeansNothingIsUnknown(_ text: String) throws {
    #expect(throws: PNEReference.Failure.unknown(text)) { try PNEReference.resolve(text, in: try all()) }
  }

  @Test func aShortIdIsLongEnoughToBeTheOnlyOne() throws {
    let ids = try all().map(\.entityID)
    #expect(PNEReference.short(ids[2], among: ids) == "12345678")
    let long = PNEReference.short(ids[0], among: ids)
    #expect(long == ids[0].urn.dropFirst(9))
    #expect(PNEReference.short(ids[0], among: [ids[0], ids[0]]) == "abcdef01")
  }
}
