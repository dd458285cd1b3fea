import CPNSModel
import CPNSProcedures
import Testing

@Suite struct PairingTests {
  private let now = Timestamp(milliseconds: 0)
  private let later = Timestamp(milliseconds: 300_000)
  private func window() -> PairingWindow { PairingWindow(key: Array(0..<16), expires: later) }

  @Test func aCodeIsReadAsItWasShown() throws {
    let gateway = EntityID.random()
    let code = PairingCode(key: Array(0..<16), gateway: gateway)
    #expect(code.text.count == 39)
    #expect(try PairingCode(parsing: code.text) == code)
    #expect(try PairingCode(parsing: code.text.lowercased().split(separator: "-").joined(separator: " ")) == code)
    #expect(try PairingCode(parsing: code.uri) == code)
    #expect(code.isFor(gateway))
    #expect(!code.isFor(.random()))
  }

  @Test(arguments: ["", "ABCD", "0189-0189-0189-0189-0189-0189-0189-0189", String(repeating: "A", count: 33)])
  func whatIsNoCodeIsExplained(text: String) {
    #expect(throws: CodeError.self) { try PairingCode(parsing: text) }
  }

  @Test func aClaimCodeIsReadAsItWasShown() throws {
    let code = ClaimCode(secret: Array(0..<16), fingerprint: Array(16..<32))
    #expect(code.text.count == 53)
    #expect(try ClaimCode(parsing: code.text.lowercased()) == code)
    #expect(throws: CodeError.self) { try ClaimCode(parsing: String(code.text.dropLast())) }
    #expect(throws: CodeError.self) { try ClaimCode(parsing: "x") }
  }

  // RFC 4648, section 10.
  @Test(arguments: [("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"), ("foobar", "MZXW6YTBOI")])
  func base32IsThatOfTheRFC(plain: String, coded: String) {
    #expect(Base32.encode(Array(plain.utf8)) == coded)
    #expect(Base32.decode(coded) == Array(plain.utf8))
  }

  @Test func aRepeatedClaimGetsTheSameKeyAndAnotherDeviceNone() {
    var window = window()
    let (mine, other) = (EntityID.random(), EntityID.random())
    let answers = [window.claim(mine, fresh: [1], now: now), window.claim(mine, fresh: [2], now: now), window.claim(other, fresh: [3], now: now)]
    #expect(answers == [[1], [1], nil])
  }

  @Test func theKeyIsSpentWhenTheDeviceProvesItsOwn() {
    var window = window()
    let mine = EntityID.random()
    _ = window.claim(mine, fresh: [1], now: now)
    let proofs = [window.proved(.random()), window.proved(mine)]
    #expect(proofs == [false, true])
    let afterwards = [window.acceptedKey(now: now), window.claim(mine, fresh: [1], now: now)]
    #expect(afterwards == [nil, nil])
  }

  @Test func timeAndWrongKeysCloseTheWindow() {
    var expired = window()
    let late = expired.acceptedKey(now: later)
    #expect(late == nil)
    #expect(expired.state == .closed(.expired))
    var guessed = window()
    for _ in 0..<PairingWindow.maximumFailures { guessed.handshakeFailed() }
    let sixth = guessed.acceptedKey(now: now)
    #expect(sixth == nil)
    #expect(guessed.state == .closed(.tooManyFailures))
  }

  @Test func identitiesAreReadAsWritten() {
    let id = PSKIdentity.entityUserKey(.random(), generation: 7)
    #expect(PSKIdentity(id.text) == id)
    #expect(PSKIdentity("pair") == .pairing)
    for text in ["", "eukey:", "eukey::1", "eukey:x:1", "eukey:urn:uuid:6f2a1f5c-3b0e-5d37-9a44-8d1c6a0b7e21", String(repeating: "e", count: 99)] {
      #expect(PSKIdentity(text) == nil, "\(text)")
    }
  }

  @Test func waitsGrowToTheCapAndAreSpreadOverAllOfIt() {
    var backoff = ReconnectBackoff(first: .milliseconds(500), limit: .seconds(60))
    let firstTwo = [backoff.next(random: 1), backoff.next(random: 1)]
    #expect(firstTwo == [.milliseconds(500), .seconds(1)])
    for _ in 0..<100 { _ = backoff.next(random: 0.5) }
    let capped = [backoff.next(random: 1), backoff.next(random: 0)]
    #expect(capped == [.seconds(60), .zero])
    backoff.reset()
    let again = backoff.next(random: 1)
    #expect(again == .milliseconds(500))
  }
}
