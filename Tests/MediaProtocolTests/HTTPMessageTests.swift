import MediaProtocol
import Testing

/// Feeds `text` in pieces of every size that matters, and gives what came of each.
private func parse(_ text: String, kind: HTTPMessageParser.Kind = .response, limit: Int = 100, ends: Bool = false, piece: Int) -> Result<HTTPMessage?, HTTPRefusal> {
  var parser = HTTPMessageParser(kind, bodyLimit: limit)
  do throws(HTTPRefusal) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      if let message = try parser.push(rest.prefix(piece)) { return .success(message) }
      rest = rest.dropFirst(piece)
    }
    return .success(ends ? try parser.end() : nil)
  } catch { return .failure(error) }
}

@Suite struct HTTPMessageTests {
  @Test(arguments: [1, 2, 7, 1000])
  func aCountedBodyIsRead(piece: Int) throws {
    let message = try #require(try parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX:  y \r\n\r\nhello, and more", piece: piece).get())
    #expect(message.body == Array("hello".utf8))
    #expect(message.head.status == 200)
    #expect(message.head.value("x") == "y")
  }

  @Test(arguments: [1, 3, 1000])
  func aChunkedBodyIsRead(piece: Int) throws {
    let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;x=y\r\nhello\r\n00A\r\n, and more\r\n0\r\nTrailer: z\r\n\r\n"
    #expect(try parse(text, piece: piece).get()?.body == Array("hello, and more".utf8))
  }

  @Test func aBodyWithoutALengthEndsWithTheConnection() throws {
    #expect(try parse("HTTP/1.0 200 OK\n\nhello", ends: true, piece: 4).get()?.body == Array("hello".utf8))
  }

  @Test func interimAnswersAreSkippedButNotWithoutEnd() throws {
    let interim = "HTTP/1.1 100 Continue\r\n\r\n"
    #expect(try parse(interim + "HTTP/1.1 204 No\r\n\r\n", piece: 9).get()?.head.status == 204)
    #expect(throws: HTTPRefusal.self) { try parse(String(repeating: interim, count: 9), piece: 9).get() }
  }

  @Test func aRequestIsReadWithItsBody() throws {
    let text = "NOTIFY /e/1 HTTP/1.1\r\nSID: uuid:1\r\nCONTENT-LENGTH: 2\r\n\r\nab"
    let message = try #require(try parse(text, kind: .request, piece: 5).get())
    #expect(message.head.request?.method == "NOTIFY")
    #expect(message.head.request?.path == "/e/1")
    #expect(try parse("GET / HTTP/1.1\r\n\r\n", kind: .request, piece: 50).get()?.body == [])
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + String(repeating: "x", count: 64) + "\r\n40\r\n",
    "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 101),
  ])
  func aBodyBeyondItsBoundIsRefusedBeforeItIsRead(text: String) {
    for piece in [1, 1000] { #expect(throws: HTTPRefusal.bodyTooLarge(100)) { try parse(text, piece: piece).get() } }
  }

  @Test(arguments: [
    "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "HTTP/1.1 200 OK\r\nX: a\u{0}b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + String(repeating: "x", count: 300),
  ])
  func nonsenseIsRefused(text: String) {
    for piece in [1, 1000] { #expect(throws: HTTPRefusal.self) { try parse(text, piece: piece).get() } }
  }

  @Test func aHeadWithoutEndIsRefused() {
    #expect(throws: HTTPRefusal.headTooLarge) { try parse("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 9000), piece: 100).get() }
    #expect(throws: HTTPRefusal.self) { try parse("HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 100) + "\r\n", piece: 100).get() }
    #expect(throws: HTTPRefusal.headTooLarge) {
      try parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + String(repeating: "X: y\r\n", count: 2000), piece: 100).get()
    }
  }

  @Test func aMessageThatIsCutIsSaidToBe() {
    for text in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"] {
      #expect(throws: HTTPRefusal.cut) { try parse(text, ends: true, piece: 10).get() }
    }
  }
}

@Suite struct SSDPTests {
  private func answer(_ location: String = "http://10.0.0.9:49494/d.xml", st: String = "urn:schemas-upnp-org:device:MediaRenderer:1", usn: String = "uuid:abc::urn:x", more: String = "CACHE-CONTROL: max-age = 100\r\n") -> [UInt8] {
    Array("HTTP/1.1 200 OK\r\nST: \(st)\r\nLOCATION: \(location)\r\nUSN: \(usn)\r\n\(more)\r\n".utf8)
  }

  @Test func anAnswerGivesTheDeviceAndItsDescription() throws {
    let notice = try #require(try SSDPNotice(answer: answer()))
    #expect(notice.udn == UDN("abc"))
    #expect(notice.location.description == "http://10.0.0.9:49494/d.xml")
    #expect(notice.maxAge == 100)
  }

  @Test func otherKindsOfDevicesAreNotLookedAt() throws {
    #expect(try SSDPNotice(answer: answer("nonsense", st: "urn:schemas-upnp-org:device:InternetGatewayDevice:1")) == nil)
    #expect(try SSDPNotice(answer: answer("nonsense", st: "upnp:rootdevice")) == nil)
  }

  @Test func theMaxAgeIsHeldWithinReason() throws {
    #expect(try SSDPNotice(answer: answer(more: ""))?.maxAge == 1800)
    #expect(try SSDPNotice(answer: answer(more: "CACHE-CONTROL: max-age=0\r\n"))?.maxAge == 5)
    #expect(try SSDPNotice(answer: answer(more: "CACHE-CONTROL: max-age=99999999999999999999\r\n"))?.maxAge == 1800)
    #expect(try SSDPNotice(answer: answer(more: "CACHE-CONTROL: max-age=999999\r\n"))?.maxAge == 86_400)
  }

  @Test func brokenAnswersAreRefused() {
    for bytes in [answer("http://tv.local/"), answer(""), answer(usn: ""), answer(usn: "uuid:"), Array("NOTIFY * HTTP/1.1\r\n\r\n".utf8), [], [0xFF, 0xFE, 0, 1], [UInt8](repeating: 65, count: 9000)] {
      #expect(throws: SSDPRefusal.self) { try SSDPNotice(answer: bytes) }
    }
  }

  @Test func aSearchSaysWhatTheStandardWants() {
    let text = String(decoding: SSDP.search(SSDP.targets[0], mx: 2), as: UTF8.self)
    #expect(text.hasPrefix("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 2\r\n"))
    #expect(text.hasSuffix("\r\n\r\n"))
  }
}
