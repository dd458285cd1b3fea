import CPNSMessages
import CPNSModel
import Logging
import SwiftProtobuf
import Testing

@testable import CPNSSession

/// A content whose bytes never come.
private struct Slow: OutgoingSource {
  let size: UInt64? = 1_000
  func bytes(at offset: UInt64, upTo count: Int) async throws(OutgoingError) -> [UInt8] { throw OutgoingError("never") }
}

@Suite struct OutgoingContentTests {
  private let outgoing = OutgoingContent(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  private let peer = Peer(
    entity: .random(), role: .element, modes: [.pne], name: "n", software: "s", maxFrame: 0, maxChunk: 0,
    link: LinkPeer(credential: .none, address: "test"))

  private func open(_ number: UInt32, offset: UInt64 = 0, credit: UInt32 = 1) throws -> Cpns_V1_Code? {
    var message = Cpns_V1_ContentOpen()
    message.stream = number
    message.offset = offset
    message.credit = credit
    let reply = outgoing.open(message, Slow(), for: peer)
    guard reply.kind == .status else { return nil }
    return try Cpns_V1_Status(serializedBytes: reply.body).code
  }

  @Test func aNumberIsForOneStreamAtATime() throws {
    #expect(try open(1) == nil)
    #expect(try open(1) == .busy)
    outgoing.close(1)
    #expect(try open(1) == nil)
  }

  @Test func thirtyTwoStreamsAreOpenAtMost() throws {
    for number in 0..<UInt32(Limits.streams) { #expect(try open(number) == nil) }
    #expect(try open(99) == .busy)
  }

  @Test func streamsThatWereClosedAndStillWaitForTheirSourceCount() throws {
    for number in 0..<UInt32(Limits.streams) {
      #expect(try open(number) == nil)
      outgoing.close(number)
    }
    #expect(try open(99) == .busy)
  }

  @Test func whatIsOutOfBoundsIsMalformed() throws {
    #expect(try open(1, credit: 0) == .malformed)
    #expect(try open(1, credit: UInt32(Limits.maximumCredit) + 1) == .malformed)
    #expect(try open(1, offset: 1_001) == .malformed)
  }
}
