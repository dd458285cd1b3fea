import AdminProtocol
import CPNSModel
import Foundation
import Testing

@Suite struct TextTests {
  @Test func aTableFitsTheTerminalAndKeepsItsIds() {
    var table = TextTable(["ID", "NAME", "STATE"], kept: [0])
    table.add(["abcdef01", String(repeating: "a very long name ", count: 20), String(repeating: "z", count: 100)])
    table.add(["12345678", "TV", "online"])
    for line in table.lines { #expect(Printable.width(line) <= 80) }
    #expect(table.lines[1].hasPrefix("abcdef01  a very") && table.lines[1].contains("…"))
    #expect(table.lines[2].hasPrefix("12345678  TV "))
  }

  @Test func wideCharactersStandInLine() {
    var table = TextTable(["A", "B"])
    table.add(["客厅电视", "x"])
    table.add(["hall", "x"])
    #expect(table.lines == ["A         B", "客厅电视  x", "hall      x"])
    #expect(Printable.cut("客厅电视", to: 5) == "客厅…")
  }

  @Test(arguments: ["\u{1B}[2J", "a\nb", "\u{9B}31m", "\u{202E}gpj.exe", "\r", "\u{7F}", "\u{2028}", "\u{0}"])
  func aNameCanNotDriveTheTerminal(_ text: String) {
    let shown = Printable.text(text)
    #expect(shown.unicodeScalars.allSatisfy { $0.value >= 32 && !(127..<160).contains($0.value) && $0.value != 0x202E && $0.value != 0x2028 })
    var table = TextTable(["A"])
    table.add([text])
    #expect(table.lines[1] == shown)
  }

  @Test func longTextIsBrokenBetweenWords() {
    #expect(Printable.wrapped("one two three", to: 7) == ["one two", "three"])
    #expect(Printable.wrapped("", to: 7) == [])
    #expect(Printable.wrapped("incomprehensibilities at", to: 7) == ["incompr", "ehensib", "ilities", "at"])
  }

  @Test func aCodeIsDrawnLightOnDarkWithItsQuietZone() {
    let lines = HalfBlocks.lines([[true, false], [true, true]])
    #expect(lines.count == 5 && lines.allSatisfy { $0.count == 10 })
    #expect(lines[0] == "██████████" && lines[2] == "████ ▀████")
    #expect(HalfBlocks.lines([[true]])[2] == "████▄████")
  }

  @Test func timesAndSizesAreRoundedForPeople() {
    let now = Timestamp(milliseconds: 1_790_000_000_000)
    func ago(_ seconds: Int64) -> String { Phrases.ago(Timestamp(milliseconds: now.milliseconds - seconds * 1000), now: now) }
    #expect([0, 4, 5, 119, 120, 7199, 7200, 172_800].map(ago) == ["just now", "just now", "5 s ago", "119 s ago", "2 min ago", "119 min ago", "2 h ago", "2 days ago"])
    #expect(ago(-3600) == "2026-09-21" && Phrases.ago(Timestamp(milliseconds: .max), now: Timestamp(milliseconds: .min)).count == 10)
    #expect([0, 1023, 1024, 1536, 1 << 20, 150 << 20, .max].map { Phrases.size($0) } == ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "150 MiB", "15.9 EiB"])
  }

  @Test func aMediaTypeIsGuessedFromTheName() {
    #expect(MediaTypeTable.type(of: "clip.MP4") == "video/mp4")
    #expect(MediaTypeTable.type(of: "/a.b/song.mp3") == "audio/mpeg")
    for name in ["README", ".mp4", "x.", "x.unknown", ""] { #expect(MediaTypeTable.type(of: name) == "application/octet-stream") }
  }
}

@Suite struct ScreenTests {
  let now = Timestamp(milliseconds: 1_790_000_000_000)
  let long = String(repeating: "long words ", count: 30)

  func pne(_ name: String) -> PNEReply {
    PNEReply(
      InventoryEntry(
        id: .random(), name: name, kind: .virtualPNE,
        capabilities: DeviceCapabilities(deviceType: "television", manufacturer: long, model: long, accepts: (0..<100).map { "video/x-\($0)" }, bearers: ["upnp"]),
        availability: .offline, reason: "probe-failed", since: now, attributes: [long: long]), paired: nil)
  }

  func narrow(_ lines: [String], _ location: SourceLocation = #_sourceLocation) {
    #expect(!lines.isEmpty, sourceLocation: location)
    for line in lines { #expect(Printable.width(line) <= 80, "\(line)", sourceLocation: location) }
  }

  @Test func theStatusFitsTheTerminalAndSaysWhatIsWrong() {
    let status = StatusReply(
      name: long, software: "pngwd 1.0", entityID: .random(), now: UTCTime(now), pn: .init(id: .random(), name: long, revision: .max),
      uplink: .init(state: .waiting, server: long, serverID: .random(), since: UTCTime(Timestamp(milliseconds: now.milliseconds - 180_000)), detail: long),
      elements: .init(port: 7421, linked: 2), interfaces: (0..<20).map { .init(name: "eth\($0)", up: $0 > 0) }, devices: .init(online: 0, busy: 0, offline: 3),
      outbox: .init(messages: 1, oldest: UTCTime(now)), liveDeliveries: 0, pairing: PairingReply(open: true, expires: UTCTime(now)),
      warnings: [.init(code: "uplink-down", severity: "warning", subject: "", cause: long, nextStep: "look at the server")])
    let lines = StatusScreen.lines(status, paint: .none)
    narrow(lines)
    let text = lines.joined(separator: "\n")
    #expect(text.contains("down for 3 min") && text.contains("warning: uplink-down") && text.contains("next step: look at the server"))
    #expect(text.contains("1 message, the oldest made just now") && text.contains("3 offline") && !text.contains("\u{1B}"))
  }

  @Test func devicesFitTheTerminal() {
    narrow(PNEScreens.list([pne(long), pne("TV"), pne("客厅" + long)], now: now))
    narrow(PNEScreens.show(pne(long), now: now, paint: .none))
    narrow(PNEScreens.list([], now: now))
  }

  @Test func objectsFitTheTerminalAndTheirIdsAreWhole() {
    func object(_ id: String) -> ObjectsReply.Object {
      let resource = ObjectsReply.Resource(mediaType: long, protocolInfo: "", url: "", size: 1 << 30)
      return ObjectsReply.Object(id: id, title: long, upnpClass: "", isContainer: false, resources: [resource])
    }
    let short = ObjectScreen.lines(ObjectsReply(container: "0", start: 0, total: 500, objects: [object("64$0")]))
    narrow(short)
    #expect(short[1].hasPrefix("64$0  ") && short.last == "1 to 1 of 500; --start 1 shows the next")
    let id = String(repeating: "x", count: 60)
    let tall = ObjectScreen.lines(ObjectsReply(container: "0", start: 0, total: 1, objects: [object(id)]))
    narrow(tall)
    #expect(tall[1] == "  " + id)
  }

  @Test func deliveriesFitTheTerminalAndSayWhyTheyFailed() {
    let content = ContentDescription(id: .random(), name: long, mediaType: "video/mp4", size: 1 << 30, sha256: [UInt8](repeating: 7, count: 32))
    let order = DeliveryOrder(id: .random(), content: content, consumer: .random(), offeredBy: .random())
    var delivery = DeliveryReply(order: order, consumerName: long, source: .administrator, state: .failed, attempts: 1, accepted: UTCTime(now))
    delivery.end(DeliveryOutcome(delivery: order.id, state: .failed, reason: "device-refused", detail: "error 714", bytes: 4), at: UTCTime(now))
    narrow(DeliveryScreens.list([delivery, delivery], now: now))
    let lines = DeliveryScreens.show(delivery, now: now, paint: .none)
    narrow(lines)
    #expect(lines.contains { $0.contains("failed (device-refused)") } && lines.contains { $0.contains("error 714") })
    #expect(DeliveryScreens.outcome(delivery).hasSuffix("error 714"))
  }
}
