import CPNSModel
import CPNSProcedures
import Testing

@Suite struct ContentFlowTests {
  @Test func nothingIsSentBeyondTheCredit() throws {
    var sender = ContentSender(size: 1000, offset: 0, length: 0, credit: 150, maxChunk: 100)
    var sent: [Int] = []
    while let read = sender.nextRead() {
      sent.append(read.count)
      sender.didSend(read.count)
    }
    #expect(sent == [100, 50])
    try sender.grant(900)
    while let read = sender.nextRead() { sender.didSend(read.count) }
    #expect(sender.isFinished)
    #expect(sender.offset == 1000)
  }

  @Test func aRangeEndsWhereItWasAskedToEnd() {
    var sender = ContentSender(size: 1000, offset: 990, length: 100, credit: 500, maxChunk: 100)
    #expect(sender.nextRead()?.count == 10)
    #expect(sender.isLast(10))
    sender.didSend(10)
    #expect(sender.isFinished)
  }

  @Test func anOffsetAtTheEndGetsAnEmptyLastChunk() {
    let sender = ContentSender(size: 5, offset: 5, length: 0, credit: 10, maxChunk: 10)
    #expect(sender.nextRead() == nil)
    #expect(sender.needsEmptyEnd)
    #expect(ContentSender(size: 5, offset: .max, length: .max, credit: 10, maxChunk: 10).needsEmptyEnd)
  }

  @Test func creditOutOfRangeIsRefused() {
    var sender = ContentSender(size: nil, offset: 0, length: 0, credit: Limits.maximumCredit, maxChunk: 1)
    #expect(throws: ContentFlowError.creditOutOfRange) { try sender.grant(1) }
    #expect(throws: ContentFlowError.creditOutOfRange) { try sender.grant(0) }
  }

  @Test func theReceiverGrantsMoreAtHalfTheWindow() throws {
    var receiver = ContentReceiver(offset: 0, window: 100)
    let first = try receiver.received(offset: 0, count: 40, last: false)
    let second = try receiver.received(offset: 40, count: 20, last: false)
    let third = try receiver.received(offset: 60, count: 1, last: true)
    #expect(first == nil)
    #expect(second == 60)
    #expect(third == nil)
    #expect(receiver.isFinished)
    #expect(throws: ContentFlowError.afterTheEnd) { try receiver.received(offset: 61, count: 1, last: false) }
  }

  @Test func gapsAndFloodsAreFound() {
    var receiver = ContentReceiver(offset: 10, window: 100)
    #expect(throws: ContentFlowError.outOfOrder(expected: 10, got: 9)) { try receiver.received(offset: 9, count: 1, last: false) }
    #expect(throws: ContentFlowError.creditExceeded) { try receiver.received(offset: 10, count: 101, last: false) }
  }

  @Test(arguments: [(1, 1), (64, 7), (1000, 100), (65536, 65536)])
  func senderAndReceiverTogetherMoveEveryByte(window: Int, chunk: Int) throws {
    let size: UInt64 = 12_345
    var sender = ContentSender(size: size, offset: 0, length: 0, credit: window, maxChunk: chunk)
    var receiver = ContentReceiver(offset: 0, window: window)
    while !receiver.isFinished {
      let read = try #require(sender.nextRead())
      let last = sender.isLast(read.count)
      sender.didSend(read.count)
      if let more = try receiver.received(offset: read.offset, count: read.count, last: last) { try sender.grant(more) }
    }
    #expect(receiver.offset == size)
  }
}
