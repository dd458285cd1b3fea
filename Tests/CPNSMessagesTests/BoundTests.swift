import CPNSMessages
import CPNSModel
import Testing

/// Every list and text that comes from outside has a bound in bytes: without one, the inventory of a single PNE could outgrow a frame.
@Suite struct BoundTests {
  private func problem(_ change: (inout Cpns_V1_Registration) -> Void) -> String? {
    var registration = Cpns_V1_Registration()
    registration.name = "phone"
    registration.capabilities.deviceType = "computer"
    let entity = EntityID.random()
    registration.services = [Cpns_V1_ServiceDescription(ServiceDescription(id: .random(), name: "a", type: "b", offeredBy: entity))]
    change(&registration)
    do {
      _ = try InventoryEntry(checking: registration, of: entity, named: "hello", at: Timestamp(milliseconds: 0), attributes: [:])
      return nil
    } catch { return error.field }
  }
  private func long(_ bytes: Int) -> String { String(repeating: "x", count: bytes) }

  @Test func aRegistrationWithinItsBoundsIsAnEntry() { #expect(problem { _ in } == nil) }

  @Test func eachFieldOfARegistrationHasABound() {
    #expect(problem { $0.name = "a\u{7F}" } == "Registration.name")
    #expect(problem { $0.name = "e" + String(repeating: "\u{301}", count: 1_000) } == "Registration.name")
    #expect(problem { $0.capabilities.deviceType = long(65) } == "DeviceCapabilities.device_type")
    #expect(problem { $0.capabilities.manufacturer = long(129) } == "DeviceCapabilities.manufacturer")
    #expect(problem { $0.capabilities.accepts = [long(256)] } == "DeviceCapabilities.accepts")
    #expect(problem { $0.capabilities.accepts = [long(255)] } == nil)
    #expect(problem { $0.capabilities.bearers = [long(129)] } == "DeviceCapabilities.bearers")
    #expect(problem { $0.capabilities.sinkProtocolInfo = [long(513)] } == "DeviceCapabilities.sink_protocol_info")
    #expect(problem { $0.services[0].keywords = [long(129)] } == "ServiceDescription.keywords")
    #expect(problem { $0.services[0].requiredMediaTypes = [long(256)] } == "ServiceDescription.required_media_types")
    #expect(problem { $0.services[0].name = "" } == "ServiceDescription.name")
    #expect(problem { $0.services[0].offeredBy = "me" } == "ServiceDescription.offered_by")
  }

  @Test func aPNEWithoutANameIsCalledAsInItsHello() throws {
    var registration = Cpns_V1_Registration()
    registration.capabilities.deviceType = "computer"
    let entry = try InventoryEntry(checking: registration, of: .random(), named: "hello", at: Timestamp(milliseconds: 5), attributes: ["address": "a"])
    #expect(entry.name == "hello" && entry.availability == .online && entry.since.milliseconds == 5 && entry.attributes == ["address": "a"])
    #expect(throws: MessageError.self) {
      try InventoryEntry(checking: registration, of: .random(), named: "", at: Timestamp(milliseconds: 5), attributes: [:])
    }
  }

  @Test func whatIsAnEntryHereIsAnEntryAtTheServer() throws {
    var registration = Cpns_V1_Registration()
    registration.name = String(repeating: "é", count: 128)
    registration.capabilities.deviceType = "computer"
    registration.capabilities.accepts = (0..<Limits.mediaTypes).map { "video/x-\($0)" }
    let entry = try InventoryEntry(checking: registration, of: .random(), named: "x", at: Timestamp(milliseconds: 0), attributes: [:])
    #expect(try InventoryEntry(checking: Cpns_V1_InventoryEntry(entry)) == entry)
  }

  @Test func statusReportsAndPairRequestsAreChecked() throws {
    var report = Cpns_V1_StatusReport()
    report.availability = .busy
    #expect(try report.checked().availability == .busy)
    report.reason = "a\nb"
    #expect(throws: MessageError("StatusReport.reason", "expected at most 64 printable characters")) { try report.checked() }
    var request = Cpns_V1_PairRequest()
    request.name = "phone"
    #expect(throws: MessageError("PairRequest.entity_id", "expected urn:uuid:… and a UUID")) { try request.checked() }
    request.entityID = EntityID.random().urn
    #expect(try request.checked().name == "phone")
    request.name = String(repeating: "x", count: 65)
    #expect(throws: MessageError.self) { try request.checked() }
  }
}
