import MediaProtocol
import Testing

@Suite struct LANURLTests {
  @Test func anOrdinaryLocationIsRead() throws {
    let url = try LANURL("http://10.77.0.20:49494/description.xml?x=1#top")
    #expect(url.host == IPAddress(10, 77, 0, 20))
    #expect(url.port == 49494)
    #expect(url.path == "/description.xml?x=1")
    #expect(url.description == "http://10.77.0.20:49494/description.xml?x=1")
  }

  @Test func withoutAPortItIsEightyAndWithoutAPathItIsTheRoot() throws {
    let url = try LANURL("HTTP://10.0.0.1")
    #expect(url.port == 80)
    #expect(url.path == "/")
    #expect(try LANURL("http://10.0.0.1?a=b").path == "/?a=b")
  }

  @Test func anIPv6LiteralStandsInBrackets() throws {
    let url = try LANURL("http://[fd00::1]:8080/d.xml")
    #expect(url.host == IPAddress("fd00:0:0:0:0:0:0:1"))
    #expect(url.port == 8080)
    #expect(throws: LANRefusal.self) { try LANURL("http://fd00::1/d.xml") }
    #expect(throws: LANRefusal.self) { try LANURL("http://[10.0.0.1]/d.xml") }
  }

  @Test(arguments: [
    "", "d.xml", "https://10.0.0.1/", "ftp://10.0.0.1/", "file:///etc/passwd", "http://", "http:///x", "http://tv.local/x", "http://localhost/",
    "http://10.0.0.1.evil.example/", "http://10.0.0.1@192.0.2.1/", "http://10.0.0.1:0/", "http://10.0.0.1:65536/", "http://10.0.0.1:-1/",
    "http://10.0.0.1:8 0/", "http://10.0.0.1/a b", "http://10.0.0.1/\r\nX: y", "http://0x7f.0.0.1/", "http://2130706433/", "http://127.1/",
    "http://010.0.0.1/", "http://10.0.0.256/", "http://[::1/", "http://[::1%25lo]/", "http://[:::]/", "http://[1:2:3:4:5:6:7:8:9]/", "http://[12345::]/",
    "http://10.0.0.1:99999999999999999999/", "http://１０.0.0.1/",
  ])
  func whatIsNoPlainURLWithAnAddressIsRefused(text: String) {
    #expect(throws: LANRefusal.self) { try LANURL(text) }
  }

  @Test func aURLThatIsTooLongIsRefused() {
    let text = "http://10.0.0.1/" + String(repeating: "a", count: LANURL.longest)
    #expect(throws: LANRefusal.unreadable("longer than \(LANURL.longest) bytes")) { try LANURL(text) }
  }

  @Test(arguments: [
    ("/control", "http://10.0.0.1:80/control"), ("control", "http://10.0.0.1:80/a/control"), ("?x", "http://10.0.0.1:80/a/d.xml?x"),
    ("http://10.0.0.2/c", "http://10.0.0.2:80/c"), ("//10.0.0.3:8/c", "http://10.0.0.3:8/c"), ("/go?to=http://x/", "http://10.0.0.1:80/go?to=http://x/"),
  ])
  func aReferenceIsResolvedAgainstItsDocument(reference: String, whole: String) throws {
    #expect(try LANURL("http://10.0.0.1/a/d.xml?q").resolving(reference).description == whole)
  }
}

@Suite struct LANPolicyTests {
  let policy = LANPolicy(local: IPAddress(10, 77, 0, 10), prefix: 24)
  let tv = IPAddress(10, 77, 0, 20)

  @Test func aDeviceMaySendUsToItself() throws {
    try policy.check(LANURL("http://10.77.0.20:49494/d.xml"), from: tv)
    try policy.check(source: tv)
  }

  @Test(arguments: [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.77.0.10", "169.254.169.254", "224.0.0.1", "239.255.255.250", "255.255.255.255", "10.77.0.255", "10.77.0.0",
    "10.77.0.21", "10.78.0.20", "192.0.2.1", "8.8.8.8", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.77.0.20]", "[ff02::c]", "[fd00::1]",
  ])
  func aDeviceMayNotSendUsElsewhere(host: String) throws {
    let url = try LANURL("http://\(host)/d.xml")
    #expect(throws: LANRefusal.self) { try policy.check(url, from: tv) }
    // Nor does it help to send from there, unless it is a neighbour.
    if host != "10.77.0.21" { #expect(throws: LANRefusal.self) { try policy.check(url, from: url.host) } }
  }

  @Test func theRefusalSaysWhatIsWrong() throws {
    let url = try LANURL("http://10.77.0.21/d.xml")
    #expect(throws: LANRefusal.otherHost("10.77.0.21", expected: "10.77.0.20")) { try policy.check(url, from: tv) }
    #expect("\(LANRefusal.otherHost("10.77.0.21", expected: "10.77.0.20"))" == "the URL points to 10.77.0.21 and not to the device at 10.77.0.20")
  }

  @Test func onALinkOfTwoBothAddressesAreHosts() throws {
    let link = LANPolicy(local: IPAddress(10, 0, 0, 0), prefix: 31)
    try link.check(source: IPAddress(10, 0, 0, 1))
    #expect(throws: LANRefusal.self) { try link.check(source: IPAddress(10, 0, 0, 2)) }
  }

  @Test func anExceptionIsForThatAddressOnly() throws {
    let loopback = IPAddress(127, 0, 0, 1)
    let tested = LANPolicy(local: loopback, prefix: 8, exceptions: [loopback])
    try tested.check(LANURL("http://127.0.0.1:9/"), from: loopback)
    #expect(throws: LANRefusal.self) { try tested.check(LANURL("http://127.0.0.2:9/"), from: loopback) }
    #expect(throws: LANRefusal.self) { try tested.check(source: IPAddress(127, 0, 0, 2)) }
  }
}

@Suite struct IPAddressTests {
  @Test(arguments: ["1.2.3.4", "0.0.0.0", "255.255.255.255"])
  func fourBytesComeBackAsTheyWere(text: String) { #expect(IPAddress(text)?.description == text) }

  @Test(arguments: [("::", "0:0:0:0:0:0:0:0"), ("1::", "1:0:0:0:0:0:0:0"), ("::1:2", "0:0:0:0:0:0:1:2"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("::1.2.3.4", "0:0:0:0:0:0:102:304")])
  func sixteenBytesAreReadInTheirShortForms(text: String, whole: String) { #expect(IPAddress(text)?.description == whole) }

  @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "1..2.3", "01.2.3.4", "+1.2.3.4", "1.2.3.4 ", "::1::", "1:2:3:4:5:6:7", "g::", "1.2.3.4::", "١.2.3.4"])
  func whatIsNoAddressIsNone(text: String) { #expect(IPAddress(text) == nil) }

  @Test func prefixesCompareBits() {
    #expect(IPAddress(10, 0, 3, 1).shares(prefix: 23, with: IPAddress(10, 0, 2, 9)))
    #expect(!IPAddress(10, 0, 3, 1).shares(prefix: 24, with: IPAddress(10, 0, 2, 9)))
    #expect(IPAddress(10, 0, 3, 1).shares(prefix: 0, with: IPAddress(99, 0, 2, 9)))
    #expect(IPAddress("fe80::1").map { $0.shares(prefix: 0, with: IPAddress(1, 1, 1, 1)) } == false)
  }
}
