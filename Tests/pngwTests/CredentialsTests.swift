import CPNSModel
import Foundation
import GatewayCore
import OpenSSLTLS
import Testing

@testable import pngw

@Suite struct CredentialsTests {
  private let folder: Folder
  private let gateway = EntityID.random()
  private let anchorKey: PrivateKey
  private let anchor: X509Certificate

  init() throws {
    folder = try Folder()
    anchorKey = try PrivateKey.generate()
    anchor = try PKI.makeAnchor(name: "test anchor", key: anchorKey)
  }

  private var credentials: Credentials { Credentials(places: CredentialPlaces(CredentialFiles(stateDirectory: folder.path))) }

  private func issued(_ days: Int, by key: PrivateKey? = nil) async throws -> [UInt8] {
    let request = try await credentials.certificateRequest(for: gateway, name: "gw")
    return try PKI.issueGateway(request: request, uri: gateway.urn, anchor: anchor, anchorKey: key ?? anchorKey, days: days).der
  }

  private func enrolled(days: Int = 90) async throws -> Credentials {
    try await credentials.install(chain: [issued(days)], trustAnchor: anchor.der)
    return credentials
  }

  private func days(_ times: CertificateTimes?) -> Int64? { times.map { ($0.end.milliseconds - $0.begin.milliseconds) / 86_400_000 - 1 } }

  @Test func aRenewedCertificateStandsBesideTheOldOneUntilItIsPromoted() async throws {
    let credentials = try await enrolled()
    #expect(days(await credentials.certificate) == 90)
    try await credentials.stage(chain: [issued(91)])
    #expect(await credentials.hasCandidate)
    #expect(days(await credentials.certificate) == 90)
    try await credentials.promote()
    #expect(await !credentials.hasCandidate)
    #expect(days(await credentials.certificate) == 91)
    #expect(folder.files == ["certificate.pem", "key.pem", "trust-anchor.pem"])
  }

  @Test func theKeyStaysTheSame() async throws {
    let credentials = try await enrolled()
    let key = folder.bytes("key.pem")
    try await credentials.stage(chain: [issued(91)])
    try await credentials.promote()
    #expect(folder.bytes("key.pem") == key)
  }

  @Test func aDroppedCandidateLeavesTheOldOne() async throws {
    let credentials = try await enrolled()
    try await credentials.stage(chain: [issued(91)])
    await credentials.dropCandidate()
    await credentials.dropCandidate()
    #expect(await !credentials.hasCandidate)
    #expect(days(await credentials.certificate) == 90)
  }

  @Test func aCandidateForAnotherKeyIsRefused() async throws {
    let credentials = try await enrolled()
    let other = try PKI.request(uri: gateway.urn, name: "gw", key: PrivateKey.generate())
    let foreign = try PKI.issueGateway(request: other, uri: gateway.urn, anchor: anchor, anchorKey: anchorKey).der
    await #expect(throws: CredentialError.self) { try await credentials.stage(chain: [foreign]) }
    #expect(await !credentials.hasCandidate)
  }

  @Test func aCandidateThatOurTrustAnchorDoesNotVouchForIsRefused() async throws {
    let credentials = try await enrolled()
    let stranger = try await issued(90, by: PrivateKey.generate())
    await #expect(throws: CredentialError.self) { try await credentials.stage(chain: [stranger]) }
    await #expect(throws: CredentialError.self) { try await credentials.stage(chain: []) }
    await #expect(throws: CredentialError.self) { try await credentials.stage(chain: [[1, 2, 3]]) }
    #expect(await !credentials.hasCandidate)
  }

  @Test func aNewEnrolmentDropsTheCandidateOfTheOldOne() async throws {
    let credentials = try await enrolled()
    try await credentials.stage(chain: [issued(91)])
    _ = try await enrolled(days: 30)
    #expect(await !credentials.hasCandidate)
  }

  @Test func whatIsNoCertificateIsNone() async throws {
    #expect(await credentials.certificate == nil)
    try folder.write("-----BEGIN CERTIFICATE-----\nAAAA\n", to: "certificate.pem")
    #expect(await credentials.certificate == nil)
  }
}
