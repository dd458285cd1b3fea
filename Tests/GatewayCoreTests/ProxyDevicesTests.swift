import CPNSModel
import FoundationEssentials
import MediaProtocol
import Testing

@testable import GatewayCore

@Suite struct ProxyVirtualPNETests {
  private let virtual = VirtualPNE(secrets: RealNames())
  private let now = Timestamp(milliseconds: 5)

  @Test func theIdOfADeviceIsTheOneThatTheProtocolSays() {
    // Python: uuid.uuid5(UUID("6f2a1f5c-3b0e-5d37-9a44-8d1c6a0b7e21"), "uuid:4d696e69-444c-164e-9d41-000000000030"), and of that "media-library".
    let id = virtual.id(of: UDN("4d696e69-444c-164e-9d41-000000000030"))
    #expect(id.urn == "urn:uuid:61fca01e-bcdb-5da2-98cd-f3ebbffc3217")
    var server = FakeMedia.television("4d696e69-444c-164e-9d41-000000000030")
    server.role = .server
    let entry = virtual.entry(for: server, now: now)
    #expect(entry.id == id && entry.services.first?.id.urn == "urn:uuid:1c2407a5-7073-590c-8613-742c591b2cda")
    #expect(entry.services.first?.type == "media-library" && entry.capabilities.accepts == [] && entry.capabilities.deviceType == "media-server")
  }

  @Test func aRendererTakesWhatItsSinkSays() {
    let entry = virtual.entry(for: FakeMedia.television(sink: ["http-get:*:video/mp4:*", "http-get:*:video/mp4:DLNA.ORG_PN=X", "rtsp:*:audio/mpeg:*", "nonsense"]), now: now)
    #expect(entry.capabilities.accepts == ["video/mp4"] && entry.capabilities.sinkProtocolInfo.count == 4)
    #expect(entry.kind == .virtualPNE && entry.availability == .online && entry.since == now && entry.services.map(\.type) == ["media-rendering"])
    #expect(entry.attributes == ["udn": "tv", "address": "10.0.0.7", "interface": "lan"])
  }

  @Test(arguments: [
    ("Küche", "Küche"), ("", "UPnP device tv"), ("\u{7}\n\r\n", "UPnP device tv"), ("a\u{1B}[31mb", "a[31mb"), ("👩‍👩‍👧 TV", "👩‍👩‍👧 TV"),
    (String(repeating: "x", count: 500), String(repeating: "x", count: Limits.name)),
  ])
  func aNameIsFitForPeople(_ given: String, _ shown: String) {
    var device = FakeMedia.television()
    device.friendlyName = given
    #expect(virtual.entry(for: device, now: now).name == shown)
  }

  @Test func whateverADeviceSaysOfItselfIsBounded() {
    var device = FakeMedia.television(sink: (0..<2000).map { "http-get:*:a/\($0):*" })
    device.manufacturer = String(repeating: "m", count: 10_000)
    device.modelName = device.manufacturer
    let capabilities = virtual.entry(for: device, now: now).capabilities
    #expect(capabilities.accepts.count == Limits.mediaTypes && capabilities.sinkProtocolInfo.count == Limits.mediaTypes)
    #expect(capabilities.manufacturer.count == Limits.name && capabilities.model.count == Limits.name)
  }
}

@Suite struct ProxyDevicesTests {
  private let secrets = FakeSecrets()

  private func id(_ udn: String) -> EntityID { VirtualPNE(secrets: secrets).id(of: UDN(udn)) }

  private func isOnline(_ gateway: Gateway, _ udn: String) async -> Bool? {
    await gateway.inventory.entry(id(udn)).map { $0.availability == .online }
  }

  @Test func aDeviceThatVanishesStaysInTheInventoryAndIsOffline() async throws {
    let bench = Bench()
    try await bench.run { gateway in
      bench.media.tell(.appeared(FakeMedia.television()))
      await eventually("it is online") { await isOnline(gateway, "tv") == true }
      bench.media.tell(.vanished(UDN("tv"), .maxAge))
      await eventually("it is offline") { await isOnline(gateway, "tv") == false }
      #expect(await gateway.inventory.entry(id("tv"))?.reason == "max-age")
      bench.media.tell(.appeared(FakeMedia.television()))
      await eventually("it is back, as the same PNE") { await isOnline(gateway, "tv") == true }
      #expect(await gateway.inventory.all.count == 1)
    }
  }

  @Test func aWorkerThatGoesTakesNoDeviceWithIt() async throws {
    let bench = Bench()
    try await bench.run { gateway in
      bench.media.tell(.appeared(FakeMedia.television()))
      await eventually("it is online") { await isOnline(gateway, "tv") == true }
      bench.media.tell(.worker(interface: "lan", up: false, detail: "signal 11"))
      await eventually("the health board says so") { gateway.health.all.contains { $0.code == .workerDown && $0.subject == "lan" } }
      #expect(await isOnline(gateway, "tv") == true)
      bench.media.tell(.worker(interface: "lan", up: true, detail: "10.0.0.1"))
      await eventually("the warning is gone") { gateway.health.all.allSatisfy { $0.code != .workerDown } }
    }
  }

  @Test func aDeviceOfBeforeTheStartThatDoesNotShowItselfIsOfflineAfterAWhile() async throws {
    let bench = Bench(entries: [entry(id("old"), "Old", kind: .virtualPNE), entry(id("tv"), "TV", kind: .virtualPNE), entry(.random(), "phone", kind: .pne)])
    try await bench.run { gateway in
      bench.media.tell(.appeared(FakeMedia.television()))
      await eventually("it is there") { await gateway.inventory.entry(id("tv"))?.attributes["udn"] == "tv" }
      #expect(await isOnline(gateway, "old") == true)
      await bench.timer.pass(.seconds(30))
      await eventually("it is offline") { await isOnline(gateway, "old") == false }
      #expect(await gateway.inventory.entry(id("old"))?.reason == "not-seen")
      #expect(await isOnline(gateway, "tv") == true)
    }
  }

  @Test func aGoodbyeOfADeviceThatWeDoNotKnowChangesNothing() async throws {
    let bench = Bench()
    try await bench.run { gateway in
      bench.media.tell(.vanished(UDN("stranger"), .byebye))
      bench.media.tell(.transport(UDN("stranger"), .playing, uri: nil))
      bench.media.tell(.appeared(FakeMedia.television()))
      await eventually("it is there") { await isOnline(gateway, "tv") == true }
      #expect(await gateway.inventory.all.count == 1)
    }
  }

  @Test func moreDevicesThanThereIsRoomForAreLeftOut() async throws {
    let bench = Bench()
    try await bench.run { gateway in
      for number in 0..<(Limits.devices + 20) { bench.media.tell(.appeared(FakeMedia.television("tv\(number)"))) }
      bench.media.tell(.vanished(UDN("tv0"), .byebye))
      await eventually("the last word arrived") { await isOnline(gateway, "tv0") == false }
      #expect(await gateway.inventory.all.count == Limits.devices)
    }
  }
}

/// Only names: UUID version 5 (RFC 9562, 5.5), over a SHA-1 of its own, so that the vector holds for any adapter.
private struct RealNames: Secrets {
  func random(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
  func derive(key: [UInt8], salt: [UInt8], info: String) -> [UInt8] { [] }
  func sha256(_ bytes: [UInt8]) -> [UInt8] { [] }

  func nameBased(_ name: String, in namespace: EntityID) -> EntityID {
    let space = withUnsafeBytes(of: namespace.uuid.uuid) { Array($0) }
    var bytes = Array(Self.sha1(space + Array(name.utf8)).prefix(16))
    bytes[6] = bytes[6] & 0x0F | 0x50
    bytes[8] = bytes[8] & 0x3F | 0x80
    return EntityID(uuid: bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) })
  }

  /// FIPS 180-4, 6.1.
  private static func sha1(_ message: [UInt8]) -> [UInt8] {
    var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    var bytes = message + [0x80]
    while bytes.count % 64 != 56 { bytes.append(0) }
    bytes += (0..<8).map { UInt8(truncatingIfNeeded: UInt64(message.count * 8) >> (56 - 8 * UInt64($0))) }
    for block in stride(from: 0, to: bytes.count, by: 64) {
      var words = (0..<16).map { word in (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[block + word * 4 + $1]) } }
      for index in 16..<80 { words.append(rotate(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1)) }
      var s = state
      for index in 0..<80 {
        let (mixed, constant) = round(index, s)
        let next = rotate(s[0], 5) &+ mixed &+ s[4] &+ constant &+ words[index]
        s = [next, s[0], rotate(s[1], 30), s[2], s[3]]
      }
      for index in 0..<5 { state[index] &+= s[index] }
    }
    return state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
  }

  private static func round(_ index: Int, _ s: [UInt32]) -> (UInt32, UInt32) {
    switch index / 20 {
    case 0: (s[1] & s[2] | ~s[1] & s[3], 0x5A82_7999)
    case 1: (s[1] ^ s[2] ^ s[3], 0x6ED9_EBA1)
    case 2: (s[1] & s[2] | s[1] & s[3] | s[2] & s[3], 0x8F1B_BCDC)
    default: (s[1] ^ s[2] ^ s[3], 0xCA62_C1D6)
    }
  }

  private static func rotate(_ word: UInt32, _ by: UInt32) -> UInt32 { word << by | word >> (32 - by) }
}
