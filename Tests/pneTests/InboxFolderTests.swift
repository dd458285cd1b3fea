import CPNSModel
import ElementCore
import Foundation
import OpenSSLTLS
import Testing

@testable import pne

@Suite struct InboxFolderTests {
  private let folder: Folder
  private let text = Array("one two three".utf8)
  init() throws { folder = try Folder() }

  /// As it is after a start.
  private func inbox(keeping live: [DeliveryOrder] = []) async throws -> InboxFolder {
    let inbox = InboxFolder(folder.path)
    try await inbox.prepare(keeping: Set(live.map(\.id)))
    return inbox
  }
  private func receive(_ order: DeliveryOrder, _ bytes: [UInt8], into inbox: InboxFolder) async throws -> ReceivedContent {
    let incoming = try await inbox.open(order)
    try await incoming.append(bytes, at: 0)
    return try await incoming.finish()
  }

  @Test func aContentIsInPlaceUnderItsNameWhenItIsWhole() async throws {
    let inbox = try await inbox()
    let order = order(text)
    let incoming = try await inbox.open(order)
    try await incoming.append(Array(text[..<4]), at: 0)
    #expect(folder.bytes("a.txt") == nil)
    try await incoming.append(Array(text[4...]), at: 4)
    let content = try await incoming.finish()
    #expect(content == ReceivedContent(path: folder.path + "/a.txt", bytes: 13, sha256: Cryptography.sha256(text)))
    await inbox.discard(order.id)
    #expect(folder.bytes("a.txt") == text)
    #expect(try folder.names(".incoming").isEmpty)
  }

  @Test func aCrashAfterTheContentWasPutInPlaceDoesNotPutItThereTwice() async throws {
    let order = order(text)
    let first = try await receive(order, text, into: try await inbox())
    // Before its end was on disk.
    let again = try await inbox(keeping: [order]).open(order)
    #expect(await again.isWhole)
    #expect(try await again.finish() == first)
    #expect(try folder.names() == [".incoming", "a.txt"])
  }

  @Test func aFileOfThatNameStaysAsItIs() async throws {
    try folder.write([1], "a.txt")
    let order = order(text)
    let content = try await receive(order, text, into: try await inbox())
    #expect(folder.bytes("a.txt") == [1])
    #expect(content.path == "\(folder.path)/a-\(order.id.uuid.uuidString.lowercased().prefix(8)).txt")
  }

  @Test func whatCameBeforeARestartIsTakenUp() async throws {
    let order = order(text)
    try await inbox().open(order).append(Array(text[..<5]), at: 0)
    let incoming = try await inbox(keeping: [order]).open(order)
    #expect(await incoming.available == 5)
    try await incoming.append(Array(text[5...]), at: 5)
    #expect(try await incoming.finish().sha256 == Cryptography.sha256(text))
  }

  @Test func whatCameBeforeARestartWithoutAHashBeginsAnew() async throws {
    let order = order(text, hashed: false)
    try await inbox().open(order).append(Array(text[..<5]), at: 0)
    #expect(try await inbox(keeping: [order]).open(order).available == 0)
  }

  @Test func whatIsLeftOfDeliveriesThatEndedGoes() async throws {
    let (ended, live) = (order(text), order(text))
    let before = try await inbox()
    for order in [ended, live] { try await before.open(order).append([1], at: 0) }
    _ = try await inbox(keeping: [live])
    #expect(try folder.names(".incoming") == [live.id.uuid.uuidString.lowercased()])
  }

  @Test func anotherHashOrSizeIsAMismatchAndNothingIsPutInPlace() async throws {
    let inbox = try await inbox()
    let wrong = Array("one two THREE".utf8)
    await #expect(throws: InboxError.self) { try await receive(order(text), wrong, into: inbox) }
    await #expect(throws: InboxError.mismatch("3 of 13 bytes came")) { try await receive(order(text), [1, 2, 3], into: inbox) }
    #expect(try folder.names() == [".incoming"])
  }

  @Test func beginningAnewLeavesAFileThatIsInPlaceAlone() async throws {
    let order = order(text)
    let inbox = try await inbox()
    _ = try await receive(order, text, into: inbox)
    let incoming = try await inbox.open(order)
    try await incoming.restart()
    try await incoming.append([9], at: 0)
    #expect(folder.bytes("a.txt") == text)
  }

  @Test func bytesOutOfOrderAreRefused() async throws {
    let incoming = try await inbox().open(order(text))
    await #expect(throws: InboxError.mismatch("bytes at 3 came, expected them at 0")) { try await incoming.append([1], at: 3) }
  }
}

@Suite struct ContentNameTests {
  @Test(arguments: [
    (".bashrc", "_bashrc"), ("..", "_."), (".", "_"), ("", "content"), ("a/../b", "a_.._b"), ("picture.png", "picture.png"),
  ])
  func aNameHidesNoFileAndLeavesNoFolder(_ name: String, _ safe: String) { #expect(ContentName.safe(name) == safe) }

  @Test func aLongNameIsCutAndKeepsItsEnding() {
    let safe = ContentName.safe(String(repeating: "ä", count: 124) + ".png")
    #expect(safe.utf8.count <= 200 && safe.hasSuffix("ä.png"))
  }

  @Test func theNamesOfOneDeliveryAreAlwaysTheSame() {
    let id = DeliveryID.random()
    #expect(ContentName.candidates("a.txt", id) == ContentName.candidates("a.txt", id))
    #expect(Set(ContentName.candidates("a.txt", id)).count == 3)
  }
}
