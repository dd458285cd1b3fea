import CPNSModel
import Foundation
import OpenSSLTLS
import Testing

@testable import pngw

@Suite struct MachineTimeTests {
  private let folder: Folder
  init() throws { folder = try Folder() }

  private var time: MachineTime { MachineTime(stateDirectory: folder.path, places: CredentialPlaces(CredentialFiles(stateDirectory: folder.path))) }
  private var now: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

  @Test func aRightClockIsLeftAlone() {
    #expect(time.problem == nil)
    #expect(abs(time.clock.now().milliseconds - now) < 60_000)
  }

  @Test func whatWasWitnessedIsTheFloorAfterARestart() async throws {
    let later = Timestamp(milliseconds: now + 30 * 86_400_000)
    await time.witnessed(later)
    let again = time
    #expect(again.problem?.contains("this machine's clock shows") == true)
    #expect(again.clock.now() >= Timestamp(milliseconds: later.milliseconds / 1000 * 1000))
    #expect(folder.files == ["clock"])
  }

  @Test func ourOwnCertificateIsEvidence() throws {
    let key = try PrivateKey.generate()
    let made = now / 1000 + 10 * 86_400
    let certificate = try PKI.makeAnchor(name: "test", key: key, now: made)
    try folder.write(String(decoding: certificate.pem, as: UTF8.self), to: "certificate.pem")
    // Certificates begin a day early.
    #expect(time.clock.now().milliseconds >= (made - 86_400) * 1000)
  }

  @Test func aCertificateThatComesLaterIsEvidenceAtOnce() throws {
    let time = time
    let made = now / 1000 + 10 * 86_400
    let certificate = try PKI.makeAnchor(name: "test", key: PrivateKey.generate(), now: made)
    try folder.write(String(decoding: certificate.pem, as: UTF8.self), to: "certificate.pem")
    #expect(time.problem == nil)
    time.learn()
    #expect(time.problem != nil && time.clock.now().milliseconds >= (made - 86_400) * 1000)
  }

  @Test func anEvidenceFromTheFarFutureIsIgnored() async {
    await time.witnessed(Timestamp(milliseconds: now + 50 * 365 * 86_400_000))
    #expect(time.problem == nil)
  }

  @Test func aFolderThatCantBeWrittenIsNoTrouble() async {
    let nowhere = MachineTime(stateDirectory: "/proc/nowhere", places: CredentialPlaces(CredentialFiles(stateDirectory: "/proc/nowhere")))
    await nowhere.witnessed(Timestamp(milliseconds: now))
    #expect(nowhere.problem == nil)
  }

  @Test func aLinkInTheFilesPlaceIsNotFollowed() async throws {
    try folder.write("x", to: "target")
    try FileManager.default.createSymbolicLink(atPath: folder.path + "/clock", withDestinationPath: folder.path + "/target")
    let before = try FileManager.default.attributesOfItem(atPath: folder.path + "/target")[.modificationDate] as? Date
    await time.witnessed(Timestamp(milliseconds: now + 86_400_000))
    #expect(try FileManager.default.attributesOfItem(atPath: folder.path + "/target")[.modificationDate] as? Date == before)
  }
}
