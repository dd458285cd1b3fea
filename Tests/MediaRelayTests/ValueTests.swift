import MediaRelay
import Testing

@Suite struct ByteRangeTests {
  @Test(arguments: [
    (nil, ByteRange.Selection.all),
    ("bytes=0-", .part(0..<100)),
    ("bytes=0-0", .part(0..<1)),
    ("bytes=0-99", .part(0..<100)),
    ("bytes=0-100", .part(0..<100)),
    ("bytes=99-", .part(99..<100)),
    ("bytes=10-19", .part(10..<20)),
    ("Bytes = 10-19", .part(10..<20)),
    ("bytes= 10 - 19 ", .part(10..<20)),
    ("bytes=-1", .part(99..<100)),
    ("bytes=-100", .part(0..<100)),
    ("bytes=-1000", .part(0..<100)),
    ("bytes=0-99999999999999999999999999", .part(0..<100)),
    ("bytes=18446744073709551615-", .none),
    ("bytes=5-18446744073709551615", .part(5..<100)),
    ("bytes=99999999999999999999999999-", .none),
    ("bytes=-99999999999999999999999999", .part(0..<100)),
    ("bytes=100-", .none),
    ("bytes=100-200", .none),
    ("bytes=-0", .none),
    ("bytes=20-10", .none),
    ("bytes=", .none),
    ("bytes=-", .none),
    ("bytes=a-b", .none),
    ("bytes=+1-2", .none),
    ("bytes=1--2", .none),
    ("bytes=0-1,5-6", .all),
    ("items=0-1", .all),
    ("nonsense", .all),
  ] as [(String?, ByteRange.Selection)])
  func aRangeSelectsOfAHundredBytes(_ header: String?, _ selection: ByteRange.Selection) {
    #expect(ByteRange(header).selection(size: 100) == selection)
  }

  @Test func anEmptyContentHasNoPart() {
    #expect(ByteRange("bytes=0-").selection(size: 0) == .none)
    #expect(ByteRange("bytes=-5").selection(size: 0) == .none)
    #expect(ByteRange(nil).selection(size: 0) == .all)
  }
}

@Suite struct CoverageTests {
  @Test(arguments: [
    ([], 0), ([0..<10], 10), ([0..<10, 10..<20], 20), ([0..<10, 5..<15], 15), ([10..<20, 0..<5], 15), ([0..<5, 10..<15, 3..<12], 15),
    ([0..<10, 0..<10], 10), ([5..<6, 0..<100], 100), ([0..<0], 0), ([0..<10, 20..<30, 40..<50, 10..<20], 40), ([10..<20, 0..<10], 20),
  ] as [([Range<UInt64>], UInt64)])
  func bytesReadTwiceCountOnce(_ ranges: [Range<UInt64>], _ count: UInt64) {
    var coverage = Coverage()
    for range in ranges { coverage.add(range) }
    #expect(coverage.count == count)
  }

  @Test func tooManyPiecesNeverCountTooMuch() {
    var coverage = Coverage()
    for number in 0..<10_000 as Range<UInt64> { coverage.add(number * 10..<number * 10 + 2) }
    #expect(coverage.count == 2 * UInt64(Coverage.mostPieces))
    coverage.add(0..<100_000)
    #expect(coverage.count == 100_000)
  }

  @Test func itAgreesWithASetOfBytes() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var coverage = Coverage()
      var bytes = Set<UInt64>()
      for _ in 0..<20 {
        let begin = UInt64.random(in: 0..<100, using: &random)
        let range = begin..<begin + UInt64.random(in: 0..<20, using: &random)
        coverage.add(range)
        bytes.formUnion(range)
      }
      #expect(coverage.count == UInt64(bytes.count))
    }
  }
}

@Suite struct RelayRequestTests {
  let content = RelayedContent(mediaType: "video/mp4", contentFeatures: "DLNA.ORG_OP=01", size: 1_000)

  func answer(_ text: String, _ content: RelayedContent? = nil) throws -> RelayAnswer {
    try RelayRequest(Array(text.utf8)).answer(for: content ?? self.content)
  }

  @Test(arguments: [
    ("nonsense\r\n\r\n", 400), ("GET\r\n\r\n", 400), ("GET / HTTP/2.0\r\n\r\n", 505), ("GET /a b HTTP/1.1\r\n\r\n", 505), ("\u{7}\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400), ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\(String(repeating: "A: b\r\n", count: 65))\r\n", 400), ("GET / HTTP/1.1\r\nA: \(String(repeating: "b", count: 9_000))\r\n\r\n", 431),
  ])
  func whatIsNoRequestIsRefused(_ text: String, _ status: Int) {
    #expect { _ = try RelayRequest(Array(text.utf8)) } throws: { ($0 as? RelayFault)?.answer.status == status }
  }

  @Test(arguments: [
    ("/m/abc/clip.mp4", "abc"), ("/m/abc", "abc"), ("/m/abc?x=/y", "abc"), ("http://10.0.0.1:80/m/abc/x", "abc"), ("/m/", ""), ("/", nil), ("/x/abc", nil),
    ("*", nil), ("http://10.0.0.1", nil), ("/../m/abc", nil),
  ] as [(String, String?)])
  func theTokenIsFoundInTheTarget(_ target: String, _ token: String?) throws {
    #expect(try RelayRequest(Array("GET \(target) HTTP/1.1\r\n\r\n".utf8)).token == token)
  }

  @Test(arguments: [
    ("video/mp4", "Streaming", "Streaming"), ("video/mp4", "background", "Background"), ("video/mp4", "Interactive", nil), ("audio/mpeg", "streaming", "Streaming"),
    ("image/jpeg", "Interactive", "Interactive"), ("image/jpeg", "Background", "Background"), ("image/jpeg", "Streaming", nil), ("video/mp4", "Warp", nil),
    ("video/mp4", nil, "Streaming"), ("image/png", nil, "Interactive"), ("text/plain", nil, "Interactive"),
  ] as [(String, String?, String?)])
  func theTransferModeMustFitTheMedia(_ type: String, _ asked: String?, _ answered: String?) throws {
    let field = asked.map { "transferMode.dlna.org: \($0)\r\n" } ?? ""
    let answer = try answer("GET /m/a HTTP/1.1\r\n\(field)\r\n", RelayedContent(mediaType: type, contentFeatures: "", size: 5))
    #expect(answer.status == (answered == nil ? 406 : 200))
    #expect(answer.fields.first { $0.name == "transferMode.dlna.org" }?.value == answered)
  }

  @Test func contentFeaturesAreToldAndAWrongQuestionIsRefused() throws {
    #expect(try answer("GET /m/a HTTP/1.1\r\ngetcontentFeatures.dlna.org: 1\r\n\r\n").fields.contains { $0 == ("contentFeatures.dlna.org", "DLNA.ORG_OP=01") })
    #expect(try answer("GET /m/a HTTP/1.1\r\ngetcontentFeatures.dlna.org: 2\r\n\r\n").status == 400)
    #expect(try answer("GET /m/a HTTP/1.1\r\nTimeSeekRange.dlna.org: npt=10-\r\n\r\n").status == 406)
  }

  @Test func contentWithoutASizeIsChunkedForNewAndClosedForOldClients() throws {
    let unsized = RelayedContent(mediaType: "video/mp4", contentFeatures: "", size: nil)
    let new = try answer("GET /m/a HTTP/1.1\r\nRange: bytes=5-\r\n\r\n", unsized)
    #expect(new.status == 200 && new.body == .chunked && new.keepsAlive)
    let old = try answer("GET /m/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", unsized)
    #expect(old.status == 200 && old.body == .untilClose && !old.keepsAlive)
  }

  @Test func aConnectionIsKeptAsTheClientWishes() throws {
    #expect(try answer("GET /m/a HTTP/1.1\r\n\r\n").keepsAlive)
    #expect(try !answer("GET /m/a HTTP/1.1\r\nConnection: close\r\n\r\n").keepsAlive)
    #expect(try !answer("GET /m/a HTTP/1.0\r\n\r\n").keepsAlive)
    #expect(try answer("GET /m/a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keepsAlive)
  }

  @Test func anIfRangeGetsTheWhole() throws {
    #expect(try answer("GET /m/a HTTP/1.1\r\nRange: bytes=5-\r\nIf-Range: \"x\"\r\n\r\n").status == 200)
  }
}
