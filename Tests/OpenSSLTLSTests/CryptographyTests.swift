import CPNSModel
import Foundation
import OpenSSLTLS
import Testing

@Suite struct CryptographyTests {
  /// RFC 5869, A.1, the first 32 of its 42 bytes.
  @Test func hkdfIsThatOfTheRFC() {
    let info = String(decoding: [0x20, 0x7e], as: UTF8.self)
    let out = Cryptography.hkdf(key: [UInt8](repeating: 0x0b, count: 22), salt: Array(0...0x0c), info: info)
    let extracted = Cryptography.hmac(key: Array(0...0x0c), [UInt8](repeating: 0x0b, count: 22))
    #expect(hex(extracted) == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
    #expect(out == Cryptography.hmac(key: extracted, Array(info.utf8) + [1]))
  }

  /// RFC 4231, test case 2.
  @Test func hmacIsThatOfTheRFC() {
    let out = Cryptography.hmac(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
    #expect(hex(out) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(Cryptography.hmac(key: [], [1]) == Cryptography.hmac(key: [0], [1]))
  }

  private func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

  /// RFC 9562, appendix A.4.
  @Test func nameBasedIdsAreThoseOfTheRFC() throws {
    let dns = try #require(UUID(uuidString: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"))
    #expect(Cryptography.nameBased("www.example.com", in: dns).uuidString.lowercased() == "2ed6657d-e927-568b-95e1-2665a8aea6a2")
  }

  /// FIPS 180-4, "abc".
  @Test func sha256OfPiecesIsThatOfTheWhole() {
    let stream = SHA256Stream()
    for byte in Array("abc".utf8) { withUnsafeBytes(of: byte) { stream.update($0) } }
    let digest = stream.digest()
    #expect(digest == Cryptography.sha256(Array("abc".utf8)))
    #expect(digest.prefix(4) == [0xba, 0x78, 0x16, 0xbf])
  }

  @Test func aRequestForAnotherEntityIsNotSigned() throws {
    let authority = try Authority()
    let request = try PKI.request(uri: EntityID.random().urn, name: "x", key: .generate())
    #expect(throws: TLSError.self) {
      try PKI.issueGateway(request: request, uri: EntityID.random().urn, anchor: authority.anchor, anchorKey: authority.anchorKey)
    }
    #expect(throws: TLSError.self) {
      try PKI.issueGateway(request: [1, 2, 3], uri: "x", anchor: authority.anchor, anchorKey: authority.anchorKey)
    }
  }

  @Test func aCertificateNamesItsEntityAndFitsItsKeyOnly() throws {
    let authority = try Authority()
    let (key, uri) = (try PrivateKey.generate(), EntityID.random().urn)
    let issued = try PKI.issueGateway(request: PKI.request(uri: uri, name: "x", key: key), uri: uri, anchor: authority.anchor, anchorKey: authority.anchorKey)
    let read = try X509Certificate(der: issued.der)
    #expect(read.uri == uri)
    #expect(read.fits(key))
    #expect(!read.fits(try .generate()))
    #expect(read.isIssued(by: authority.anchor))
    #expect(!read.isIssued(by: try Authority().anchor))
  }

  @Test func aCertificateTellsWhenItHolds() throws {
    let now = Int64(Date().timeIntervalSince1970)
    let anchor = try Authority().anchor
    #expect((now - 90_000...now - 80_000).contains(anchor.notBefore))
    #expect((29 * 365...31 * 365).contains((anchor.notAfter - now) / 86_400))
  }

  // MARK: Files

  @Test func aKeyFileIsForItsOwnerAndReplacedWhole() throws {
    let folder = try Authority().folder
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/key.pem"
    try DurableFile.write([1, 2, 3], to: path)
    try DurableFile.write([4], to: path)
    #expect(try DurableFile.read(path) == [4])
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["key.pem"])
  }

  @Test func aFileThatCanNotBeWrittenSaysWhichAndWhy() throws {
    let error = #expect(throws: TLSError.self) { try DurableFile.write([1], to: "/nowhere/at/all/key.pem") }
    #expect(error?.description.contains("/nowhere/at/all/key.pem") == true)
    #expect(error?.description.contains("No such file") == true)
  }

  @Test func aKeyThatIsNotOneSaysSo() throws {
    let authority = try Authority()
    let path = try authority.write(Array("nonsense".utf8), "key.pem")
    #expect(throws: TLSError.self) { try PrivateKey.load(path) }
    let (certificate, _) = try authority.server()
    let other = try authority.write(PrivateKey.generate().pem, "other.pem")
    let error = #expect(throws: TLSError.self) { try TLSContext.server(certificate: certificate, key: other, clientAnchor: nil, alpn: .cpns) }
    #expect(error?.description.contains("does not fit") == true)
  }
}
