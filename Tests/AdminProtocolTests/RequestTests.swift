import AdminProtocol
import CPNSModel
import Foundation
import Testing

@Suite struct RequestTests {
  let pne = "urn:uuid:00000000-0000-0000-0000-0000000000a1"
  let other = "urn:uuid:00000000-0000-0000-0000-0000000000b2"

  func read<Value: Decodable>(_ json: String) throws -> Value { try JSONDecoder().decode(Value.self, from: Data(json.utf8)) }

  @Test func aPairingRequestMayLeaveTheTimeToTheGateway() throws {
    #expect(try read("{}") == PairingRequest(seconds: nil))
    #expect(try read(#"{"seconds":60}"#) == PairingRequest(seconds: 60))
    #expect(throws: DecodingError.self) { try read(#"{"seconds":"60"}"#) as PairingRequest }
    #expect(throws: DecodingError.self) { try read(#"{"seconds":1e40}"#) as PairingRequest }
  }

  @Test func aDeliveryNamesAStagedContentOrAnObjectOfAServer() throws {
    let consumer = try #require(EntityID(urn: pne)), server = try #require(EntityID(urn: other)), content = try #require(ContentID(urn: other))
    #expect(try read(#"{"consumer":"\#(pne)","content_id":"\#(other)"}"#) == DeliveryRequest(consumer: consumer, source: .staged(content)))
    #expect(try read(#"{"consumer":"\#(pne)","from":"\#(other)","object":"64$0"}"#) == DeliveryRequest(consumer: consumer, source: .object("64$0", of: server)))
  }

  @Test(arguments: [
    #""content_id":"C","from":"C","object":"1""#, #""from":"C""#, #""object":"1""#, #""content_id":"clip.mp4""#, #""content_id":7"#, "",
  ])
  func aDeliveryThatNamesNeitherOrBothIsRefused(_ fields: String) {
    let json = #"{"consumer":"\#(pne)"\#(fields.isEmpty ? "" : ",")\#(fields.replacing("C", with: other))}"#
    #expect(throws: DecodingError.self) { try read(json) as DeliveryRequest }
  }

  @Test func whatIsWrittenIsReadTheSame() throws {
    for source in [DeliveryRequest.Source.staged(.random()), .object("64$0$1", of: .random())] {
      let request = DeliveryRequest(consumer: .random(), source: source)
      #expect(try JSONDecoder().decode(DeliveryRequest.self, from: JSONEncoder().encode(request)) == request)
    }
  }

  @Test func aClaimIsSplitAtItsLastSign() {
    #expect(EnrolmentRequest(parsing: "CODE-PRINT@server.example:7420") == EnrolmentRequest(code: "CODE-PRINT", server: "server.example:7420"))
    #expect(EnrolmentRequest(parsing: "CODE@[2001:db8::1]:7420")?.server == "[2001:db8::1]:7420")
    for wrong in ["", "@", "CODE", "CODE@", "@server:7420"] { #expect(EnrolmentRequest(parsing: wrong) == nil) }
  }

  @Test func aListingIsAskedForWithinBounds() throws {
    #expect(try BrowseRequest(query: [:]) == BrowseRequest(container: "0", start: 0, count: 50))
    #expect(try BrowseRequest(query: ["container": "64$1", "start": "100", "count": "100"]) == BrowseRequest(container: "64$1", start: 100, count: 100))
    let wrong = [
      ["count": "0"], ["count": "101"], ["count": "x"], ["count": ""], ["start": "-1"], ["start": "99999999999999999999"], ["container": ""],
      ["container": String(repeating: "x", count: 513)],
    ]
    for query in wrong { #expect(throws: AdminFailure.self) { try BrowseRequest(query: query) } }
  }
}
