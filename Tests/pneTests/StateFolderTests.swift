import CPNSModel
import ElementCore
import Testing

@testable import pne

@Suite struct StateFolderTests {
  private let folder: Folder
  init() throws { folder = try Folder() }

  private func load() async throws -> ElementState { try await StateFolder(folder.path).load() }
  private let membership = Membership(
    gateway: .random(), gatewayName: "gw", pn: .random(), entityUserKey: Array(repeating: 5, count: 32), generation: 2)

  @Test func theIdsAreMadeOnceAndStay() async throws {
    let first = try await load()
    #expect(try await load() == first)
    #expect(first.membership == nil)
  }

  @Test func whatWasCommittedIsThereAfterARestart() async throws {
    let (kept, gone) = (ReceivedDelivery(order: order([1]), accepted: Timestamp(milliseconds: 1)), ReceivedDelivery(order: order([2]), accepted: Timestamp(milliseconds: 2)))
    do {
      let files = try StateFolder(folder.path)
      _ = try await files.load()
      try await files.commit([.setMembership(membership)])
      try await files.commit([.putDelivery(gone), .putDelivery(kept)])
      try await files.commit([.forgetDelivery(gone.order.id)])
    }
    let state = try await load()
    #expect(state.membership == membership)
    #expect(state.deliveries == [kept])
  }

  @Test func onlyTheOwnerReadsTheKey() async throws {
    let files = try StateFolder(folder.path)
    _ = try await files.load()
    try await files.commit([.setMembership(membership), .putDelivery(ReceivedDelivery(order: order([1]), accepted: Timestamp(milliseconds: 1)))])
    for name in try folder.names() { #expect(try folder.mode(name) == 0o600, "\(name)") }
  }

  @Test func twoCannotLiveWithOneState() throws {
    let first = try StateFolder(folder.path)
    #expect(throws: PNEFailure.unavailable("another pne runs with the state in \(folder.path)")) { try StateFolder(folder.path) }
    withExtendedLifetime(first) {}
  }

  @Test func aDamagedFileIsToldAndNotWrittenOver() async throws {
    try folder.write(Array("{".utf8), "pne.json")
    await #expect(throws: ElementStoreError.self) { try await load() }
    #expect(folder.bytes("pne.json") == Array("{".utf8))
  }
}

@Suite struct OutputTests {
  @Test func eachHappeningIsOnePlainLine() throws {
    let pn = try #require(PNID(urn: "urn:uuid:6f2a1f5c-3b0e-4d37-9a44-8d1c6a0b7e21"))
    #expect(ElementEvent.found(name: "gw", address: "10.77.0.10:7421").line == "found gw at 10.77.0.10:7421")
    #expect(ElementEvent.paired(gateway: "gw").line == "paired with gw")
    #expect(ElementEvent.registered(pn).line == "registered in PN urn:uuid:6f2a1f5c-3b0e-4d37-9a44-8d1c6a0b7e21")
    #expect(ElementEvent.receiving(name: "a.png", size: 3).line == "receiving a.png (3 bytes)")
    let content = ReceivedContent(path: "/in/a.png", bytes: 3, sha256: [0x0A, 0xFF])
    #expect(ElementEvent.received(name: "a.png", content).line == "received a.png 3 bytes sha256 0aff -> /in/a.png")
    #expect(ElementEvent.linkLost(why: "no answer in time").line == "link lost: no answer in time")
  }

  @Test func whatSteersATerminalIsAControl() {
    #expect(Output.hasControls("a\u{1B}[2J") && Output.hasControls("a\nb") && Output.hasControls("\u{9B}2J"))
    #expect(!Output.hasControls("Wohnzimmer – Büro"))
  }
}
