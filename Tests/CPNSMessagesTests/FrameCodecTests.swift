import CPNSMessages
import Testing

@Suite struct FrameCodecTests {
  private func frames(_ bytes: [UInt8], limit: Int = 64, step: Int) throws -> [[UInt8]] {
    var decoder = FrameDecoder(limit: limit)
    var out: [[UInt8]] = []
    for start in stride(from: 0, to: bytes.count, by: step) {
      bytes[start..<min(start + step, bytes.count)].withUnsafeBytes { decoder.push($0) }
      while let frame = try decoder.next() { out.append(frame) }
    }
    return out
  }

  @Test(arguments: [1, 2, 3, 5, 7, 100])
  func framesComeOutWholeHoweverTheBytesWereCut(step: Int) throws {
    let bodies: [[UInt8]] = [[1], [2, 3], Array(repeating: 9, count: 64), [4]]
    let bytes = bodies.flatMap { FrameEncoder.header(length: $0.count) + $0 }
    #expect(try frames(bytes, step: step) == bodies)
  }

  @Test func aFrameBeyondTheLimitIsRefusedBeforeItsBodyIsThere() {
    #expect(throws: FrameError.tooLong(announced: 65, limit: 64)) { try frames(FrameEncoder.header(length: 65), step: 4) }
    #expect(throws: FrameError.tooLong(announced: 0xFFFF_FFFF, limit: 64)) { try frames([255, 255, 255, 255], step: 4) }
  }

  @Test func anEmptyFrameIsRefused() {
    #expect(throws: FrameError.empty) { try frames([0, 0, 0, 0], step: 4) }
  }

  @Test func aCutFrameIsNoFrameYet() throws {
    #expect(try frames([0, 0, 0, 3, 1, 2], step: 6).isEmpty)
  }

  @Test func manyFramesDoNotPileUp() throws {
    var decoder = FrameDecoder(limit: 1 << 20)
    let frame = FrameEncoder.header(length: 60_000) + Array(repeating: 7, count: 60_000)
    for _ in 0..<100 {
      frame.withUnsafeBytes { decoder.push($0) }
      #expect(try decoder.next()?.count == 60_000)
      #expect(decoder.pending == 0)
    }
  }
}
