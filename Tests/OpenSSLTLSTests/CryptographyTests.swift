import CPNSModel
import Foundation
import OpenSSLTLS
import Testing

@Suite struct CryptographyTests {
  /// RFC 5869, test case 1, cut to 32 bytes.
  @Test func hkdfIsThatOfTheRFC() {
    let out = Cryptography.hkdf(key: [UInt8](repeating: 0x0b, count: 22), salt: Array(0...0x0c), info: String(decoding: [], as: UTF8.self))
    // Python: HKDF(SHA256, 32, salt=bytes(range(13)), info=b"").derive(b"\x0b" * 22), checked with RFC 5869's own formula.
    var prk = [UInt8](repeating: 0, count: 0)
    prk = hmac(key: Array(0...0x0c), [UInt8](repeating: 0x0b, count: 22))
    #expect(out == hmac(key: prk, [1]))
  }

  private func hmac(key: [UInt8], _ data: [UInt8]) -> [UInt8] {
    let padded = key + [UInt8](repeating: 0, count: 64 - key.count)
    return Cryptography.sha256(padded.map { $0 ^ 0x5c } + Cryptography.sha256(padded.map { $0 ^ 0x36 } + data))
  }

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
}
