import AdminProtocol
import CPNSMessages
import CPNSModel
import MediaProtocol
import Testing

@testable import GatewayCore

@Suite struct ForwardTests {
  let phone = EntityID.random()

  func refused(_ code: AdminFailure.Code, _ body: () async throws -> Void, _ location: SourceLocation = #_sourceLocation) async {
    await #expect(sourceLocation: location) { try await body() } throws: { ($0 as? AdminFailure)?.code == code }
  }

  @Test func anObjectOfAMediaServerGoesToAPNE() async throws {
    let bench = Bench(paired: [phone])
    bench.fetching.put([7, 8, 9], at: "http://10.0.0.8/1.mp3")
    try await bench.run(Library([Library.track("64$0", "../So\u{1}ng/1")])) { gateway, administration, nas in
      let far = try await bench.registered(phone)
      let accepted = try await administration.deliver(DeliveryRequest(consumer: phone, source: .object("64$0", of: nas.id)))
      #expect(accepted.source == .mediaServer && accepted.offeredBy == nas.id && accepted.content.name == "Song1")
      #expect(accepted.content.mediaType == "audio/mpeg" && accepted.content.size == 3)
      let offer = try await far.accept()
      #expect(try await far.fetch(offer) == [7, 8, 9])
      #expect(try await far.conclude(offer, bytes: [7, 8, 9]) == .ok)
      await eventually("the stage is removed") { bench.stages.removed == [accepted.content.contentID] }
    }
  }

  @Test func whatCanNotBeForwardedIsRefusedInWords() async throws {
    let folder = MediaObject(id: "0", title: "All", upnpClass: "object.container", isContainer: true, resources: [])
    let bench = Bench(entries: [entry(phone, "phone")])
    try await bench.run(Library([folder, Library.track("bare", "x", [])])) { _, administration, nas in
      func send(_ object: String, _ server: EntityID) async throws {
        _ = try await administration.deliver(DeliveryRequest(consumer: phone, source: .object(object, of: server)))
      }
      await refused(.conflict) { try await send("0", nas.id) }
      await refused(.conflict) { try await send("bare", nas.id) }
      await refused(.refused) { try await send("none", nas.id) }
      await refused(.conflict) { try await send("0", phone) }
      await refused(.notFound) { try await send("0", .random()) }
    }
  }

  @Test func aLibraryIsListedPageByPage() async throws {
    let library = Library((0..<120).map { Library.track("\($0)") })
    try await Bench().run(library) { _, administration, nas in
      let page = try await administration.browse(nas.id.urn, BrowseRequest(container: "0", start: 100, count: 50))
      #expect(page.start == 100 && page.total == 120 && page.objects.count == 20 && page.objects[0].resources[0].mediaType == "audio/mpeg")
      for (error, code) in [(MediaError.unreachable("x"), AdminFailure.Code.unreachable), (.busy("x"), .busy), (.malformed("x"), .refused), (.unknownDevice, .unreachable)] {
        library.fail(error)
        await refused(code) { _ = try await administration.browse(nas.id.urn, BrowseRequest()) }
      }
    }
  }

  @Test func aDeviceThatIsOnTheLANIsNotRemovedBecauseItWouldComeBack() async throws {
    let library = Library()
    try await Bench().run(library) { gateway, administration, nas in
      await refused(.conflict) { _ = try await administration.remove(nas.id.urn) }
      library.tell(.vanished(Library.device.udn, .byebye))
      await eventually("it is offline") { await gateway.inventory.entry(nas.id)?.availability == .offline }
      let removed = try await administration.remove(nas.id.urn)
      #expect(removed.name == "NAS")
      #expect(await administration.pnes().pnes.isEmpty)
    }
  }

  // MARK: Which resource

  func best(_ infos: [(String, UInt64?)], accepts: [String] = []) -> String? {
    let resources = infos.enumerated().map { MediaResource(protocolInfo: $1.0, url: "\($0)", size: $1.1) }
    return BestResource.of(resources, for: DeviceCapabilities(deviceType: "", accepts: accepts))?.0.url
  }

  @Test func theConsumersTypeWinsThenTheOriginalThenTheLargestThenTheFirst() {
    #expect(best([("http-get:*:video/mp4:*", 9), ("http-get:*:video/webm:*", 1)], accepts: ["video/webm"]) == "1")
    #expect(best([("http-get:*:video/mp4:DLNA.ORG_CI=1", 9), ("http-get:*:video/mp4:DLNA.ORG_CI=0", 1)]) == "1")
    #expect(best([("http-get:*:image/jpeg:*", 1), ("http-get:*:image/jpeg:*", 9), ("http-get:*:image/jpeg:*", nil)]) == "1")
    #expect(best([("http-get:*:image/jpeg:*", nil), ("http-get:*:image/jpeg:*", nil)]) == "0")
  }

  @Test func whatCanNotBeFetchedOrHasNoTypeIsNotTaken() {
    #expect(best([("rtsp-rtp-udp:*:video/mp4:*", 1), ("http-get:*:*:*", 1), ("http-get:*:video:*", 1), ("nonsense", 1), ("", 1)]) == nil)
    #expect(best([]) == nil)
  }

  @Test(arguments: zip(["", "...", "///", "\u{1}", "a/b", " .x", String(repeating: "y", count: 500)], ["untitled", "untitled", "untitled", "untitled", "ab", "x", String(repeating: "y", count: 128)]))
  func aTitleBecomesAFilesName(_ title: String, _ name: String) { #expect(BestResource.name(title) == name) }
}
