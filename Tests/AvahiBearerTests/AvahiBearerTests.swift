import Testing

@testable import AvahiBearer

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct TextRecordTests {
  @Test func keysAndValuesComeBackAsTheyWereSaid() {
    let pairs = ["id": "urn:uuid:6f2a1f5c-3b0e-4d37-9a44-8d1c6a0b7e21", "v": "1"]
    #expect(TextRecord.parse(TextRecord.strings(pairs)) == pairs)
  }

  @Test func theFirstOfAKeyCountsWhateverItsCase() {
    #expect(TextRecord.parse([bytes("ID=one"), bytes("id=two")]) == ["id": "one"])
  }

  @Test func aValueMayHoldAnEqualsSignAndMayBeEmpty() {
    #expect(TextRecord.parse([bytes("a=b=c"), bytes("d=")]) == ["a": "b=c", "d": ""])
  }

  @Test func whatIsNoPairIsLeftOut() {
    #expect(TextRecord.parse([bytes("alone"), bytes("=nokey"), [], [0xFF, 0x3D, 0x41], [0x61, 0x3D, 0xFF, 0xFE]]).isEmpty)
  }

  @Test func aRecordBeyondTheBoundsIsCut() {
    let many = (0..<100).map { bytes("k\($0)=v") }
    #expect(TextRecord.parse(many).count == TextRecord.maximumPairs)
    let large = (0..<8).map { bytes("k\($0)=" + String(repeating: "x", count: 240)) }
    #expect(TextRecord.parse(large).count == 4)
    #expect(TextRecord.parse([bytes("k=" + String(repeating: "x", count: 300))]).isEmpty)
  }

  @Test func whatDnsCannotHoldIsNotAnnounced() {
    #expect(TextRecord.strings(["": "x", "a=b": "x", "c": String(repeating: "x", count: 254), "d": "\0", "e": "ok"]) == [bytes("e=ok")])
  }
}

@Suite struct InstanceNameTests {
  @Test func aNameIsCutAtACharacterAndNotWithinOne() {
    #expect(InstanceName.fitting(String(repeating: "ä", count: 40)) == String(repeating: "ä", count: 31))
  }

  @Test func controlCharactersGoAndAnEmptyNameIsOurs() {
    #expect(InstanceName.fitting("a\nb\u{7F}c") == "abc")
    #expect(InstanceName.fitting("\n") == "pngw")
  }
}

/// A roster that `#expect` can ask to change.
private final class Look {
  private var roster = ServiceRoster()
  var services: [DiscoveredService] { roster.services }
  func saw(_ sighting: ServiceRoster.Sighting) -> Bool { roster.saw(sighting) }
  func resolved(_ sighting: ServiceRoster.Sighting, _ facts: ServiceRoster.Facts) -> Bool { roster.resolved(sighting, facts) }
  func lost(_ sighting: ServiceRoster.Sighting) { roster.lost(sighting) }
}

@Suite struct ServiceRosterTests {
  private func sighting(_ name: String, _ interface: Int32 = 2, _ transport: Int32 = 0) -> ServiceRoster.Sighting {
    ServiceRoster.Sighting(name: name, interface: interface, transport: transport)
  }
  private func facts(_ host: String, _ port: UInt16 = 7421) -> ServiceRoster.Facts {
    ServiceRoster.Facts(endpoint: ServiceEndpoint(host: host, port: port), text: ["v": "1"])
  }

  @Test func aServiceIsToldWhenItsAddressIsKnown() {
    let roster = Look()
    #expect(roster.saw(sighting("a")))
    #expect(roster.services.isEmpty)
    #expect(roster.resolved(sighting("a"), facts("10.77.0.10")))
    #expect(roster.services == [DiscoveredService(name: "a", endpoints: [ServiceEndpoint(host: "10.77.0.10", port: 7421)], text: ["v": "1"])])
  }

  @Test func oneServiceOnTwoProtocolsIsOneWithIPv4First() {
    let roster = Look()
    for (transport, host) in [(Int32(1), "fe80::1%eth0"), (2, "10.77.0.10")] {
      _ = roster.saw(sighting("a", 2, transport))
      _ = roster.resolved(sighting("a", 2, transport), facts(host))
    }
    #expect(roster.services.map(\.endpoints.description) == ["[10.77.0.10:7421, [fe80::1%eth0]:7421]"])
  }

  @Test func anotherPortIsNewsAndTheSameAgainIsNot() {
    let roster = Look()
    _ = roster.saw(sighting("a"))
    #expect(roster.resolved(sighting("a"), facts("10.77.0.10")))
    #expect(!roster.resolved(sighting("a"), facts("10.77.0.10")))
    #expect(roster.resolved(sighting("a"), facts("10.77.0.10", 9999)))
    #expect(roster.services.first?.endpoints.first?.port == 9999)
  }

  @Test func aServiceIsGoneWithItsLastSighting() {
    let roster = Look()
    for interface in [Int32(2), 3] {
      _ = roster.saw(sighting("a", interface))
      _ = roster.resolved(sighting("a", interface), facts("10.77.\(interface).10"))
    }
    roster.lost(sighting("a", 2))
    #expect(roster.services.first?.endpoints.map(\.host) == ["10.77.3.10"])
    roster.lost(sighting("a", 3))
    #expect(roster.services.isEmpty)
  }

  @Test func moreServicesThanTheBoundAreLeftOutAndComeInWhenThereIsRoom() {
    let roster = Look()
    for number in 0..<ServiceRoster.maximumServices { #expect(roster.saw(sighting("s\(number)"))) }
    #expect(!roster.saw(sighting("one too many")))
    #expect(!roster.resolved(sighting("one too many"), facts("10.77.0.10")))
    roster.lost(sighting("s0"))
    #expect(roster.saw(sighting("one too many")))
  }

  @Test func whatWasNotSeenCannotBeResolvedOrLost() {
    let roster = Look()
    #expect(!roster.resolved(sighting("a"), facts("10.77.0.10")))
    roster.lost(sighting("a"))
    #expect(roster.services.isEmpty)
  }
}
