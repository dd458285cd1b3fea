import CPNSModel
import Testing

@Suite struct LimitsTests {
  @Test func aTextThatFitsStaysAsItIs() {
    #expect("Küche".fitting(128) == "Küche")
    #expect("".fitting(1) == "")
  }

  @Test func aTextIsCutBetweenCharacters() {
    #expect("abcdef".fitting(3) == "abc")
    #expect("👨‍👩‍👧‍👦x".fitting(1) == "")
    #expect("a👨‍👩‍👧‍👦".fitting(8) == "a👨‍👩‍👧‍👦")
  }

  @Test func aCharacterOfManyScalarsTakesItsRoomInBytes() {
    let zalgo = "e" + String(repeating: "\u{301}", count: 5_000)
    #expect(zalgo.count == 1)
    #expect(zalgo.fitting(128) == "")
    #expect(("ab" + zalgo).fitting(128) == "ab")
  }
}
