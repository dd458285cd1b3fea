import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession
import Testing

@testable import GatewayCore

/// docs/protocol.md, "Pairing": the test is the device, and the person with the code.
@Suite(.timeLimit(.minutes(1))) struct PairingTests {
  private let bench = Bench()
  private let phone = EntityID.random()

  private func stranger(_ code: PairingCode, as entity: EntityID) async throws -> Far? {
    let key = bench.secrets.derive(key: code.key, salt: code.salt, info: PSKIdentity.pairingInfo)
    guard let far = bench.listener.connect("pair", key: key, as: entity) else { return nil }
    try await far.hello([.pne])
    return far
  }

  /// Whether a device with this code still gets in.
  private func isOpen(_ code: PairingCode) async throws -> Bool { try await stranger(code, as: phone) != nil }

  private func request(_ entity: EntityID, _ name: String = "phone") -> Cpns_V1_PairRequest {
    var request = Cpns_V1_PairRequest()
    request.entityID = entity.urn
    request.name = name
    return request
  }

  private func pair(_ entity: EntityID, _ code: PairingCode) async throws -> Cpns_V1_KeyAssignment {
    let far = try #require(try await stranger(code, as: entity))
    let assignment: Cpns_V1_KeyAssignment = try await far.ask(.pairRequest, request(entity)).decoded()
    await far.close()
    return assignment
  }

  private func connect(_ assignment: Cpns_V1_KeyAssignment, _ gateway: Gateway) -> Far? {
    let key = bench.secrets.derive(key: Array(assignment.entityUserKey), salt: Array(gateway.id.urn.utf8), info: PSKIdentity.gatewayKeyInfo)
    return bench.listener.connect("eukey:\(phone.urn):\(assignment.generation)", key: key, as: phone)
  }

  @Test func aDeviceWithTheCodeGetsItsKeyAndComesBackWithIt() async throws {
    try await bench.run { gateway in
      let code = gateway.elements.openWindow(seconds: 300).code
      let assignment = try await pair(phone, code)
      #expect(assignment.entityID == phone.urn && assignment.gatewayID == gateway.id.urn && assignment.generation == 1)
      #expect(bench.store.now.pairings[phone]?.generation == 1)
      #expect(bench.store.now.pairings[phone]?.gatewayKey != Array(assignment.entityUserKey))
      let back = try #require(connect(assignment, gateway))
      try await back.hello([.pne])
      #expect(try await back.ask(.registration, Bench.registration()).kind == .registrationResult)
      // The one-time key is spent.
      #expect(gateway.elements.keys.window == nil)
      let open = try await isOpen(code)
      #expect(!open)
    }
  }

  @Test func aDeviceThatLostTheAnswerAsksAgainAndGetsTheSameKey() async throws {
    try await bench.run { gateway in
      let code = gateway.elements.openWindow(seconds: 300).code
      let first = try await pair(phone, code)
      let second = try await pair(phone, code)
      #expect(first == second)
      #expect(try await isOpen(code))
    }
  }

  @Test func anotherDeviceThatComesSecondIsRefused() async throws {
    try await bench.run { gateway in
      let code = gateway.elements.openWindow(seconds: 300).code
      _ = try await pair(phone, code)
      let other = EntityID.random()
      let far = try #require(try await stranger(code, as: other))
      #expect(try await far.code(.pairRequest, request(other)) == .refused)
      #expect(bench.store.now.pairings[other] == nil)
    }
  }

  @Test func aStrangerMayPairAndNothingElse() async throws {
    try await bench.run { gateway in
      let far = try #require(try await stranger(gateway.elements.openWindow(seconds: 300).code, as: phone))
      #expect(try await far.code(.registration, Bench.registration()) == .forbidden)
      #expect(try await far.code(.usageReport, Cpns_V1_UsageReport()) == .forbidden)
      #expect(try await far.code(.contentOpen, Cpns_V1_ContentOpen()) == .forbidden)
      #expect(try await far.code(.pairRequest, request(.random())) == .malformed)
      #expect(try await far.code(.pairRequest, request(phone, "")) == .malformed)
      #expect(try await far.code(.pairRequest, request(phone, "a\u{1B}[2J")) == .malformed)
      #expect(bench.store.now.pairings.isEmpty)
    }
  }

  @Test func theWindowClosesWhenItsTimeIsOver() async throws {
    try await bench.run { gateway in
      let code = gateway.elements.openWindow(seconds: 300).code
      bench.wall.advance(seconds: 300)
      bench.timer.advance(by: .seconds(300))
      let open = try await isOpen(code)
      #expect(!open)
      #expect(gateway.elements.keys.window == nil)
    }
  }

  @Test func aWallClockThatIsSetBackDoesNotKeepTheWindowOpen() async throws {
    try await bench.run { gateway in
      let code = gateway.elements.openWindow(seconds: 300).code
      bench.wall.set(0)
      bench.timer.advance(by: .seconds(300))
      let open = try await isOpen(code)
      #expect(!open)
    }
  }

  @Test func aWallClockThatLeavesTheYear1970DoesNotCloseTheWindow() async throws {
    bench.wall.set(60_000)
    try await bench.run { gateway in
      let code = gateway.elements.openWindow(seconds: 300).code
      bench.wall.set(1_790_000_000_000)
      let assignment = try await pair(phone, code)
      #expect(assignment.entityID == phone.urn)
    }
  }

  @Test func fiveWrongCodesCloseTheWindow() async throws {
    try await bench.run { gateway in
      let code = gateway.elements.openWindow(seconds: 300).code
      for _ in 0..<5 { #expect(bench.listener.connect("pair", key: [0], as: phone) == nil) }
      let open = try await isOpen(code)
      #expect(!open)
    }
  }

  @Test func aKeyThatIsNotOnDiskIsNotGiven() async throws {
    try await bench.run { gateway in
      let code = gateway.elements.openWindow(seconds: 300).code
      bench.store.failWrites()
      let far = try #require(try await stranger(code, as: phone))
      #expect(try await far.code(.pairRequest, request(phone)) == .busy)
      #expect(!gateway.elements.keys.isPaired(phone))
      bench.store.failWrites(nil)
      #expect(try await far.ask(.pairRequest, request(phone)).kind == .keyAssignment)
    }
  }

  @Test func aDeviceThatPairsAgainHasANewGenerationAndTheOldKeyIsGone() async throws {
    let bench = Bench(paired: [phone])
    try await bench.run { gateway in
      let code = gateway.elements.openWindow(seconds: 300).code
      let key = bench.secrets.derive(key: code.key, salt: code.salt, info: PSKIdentity.pairingInfo)
      let far = try #require(bench.listener.connect("pair", key: key, as: phone))
      try await far.hello([.pne])
      let assignment: Cpns_V1_KeyAssignment = try await far.ask(.pairRequest, request(phone)).decoded()
      #expect(assignment.generation == 2)
      #expect(bench.listener.connect("eukey:\(phone.urn):1", key: Bench.key(of: phone), as: phone) == nil)
    }
  }

  @Test func theKeyOfOneDeviceIsNotForAnother() async throws {
    let bench = Bench(paired: [phone])
    try await bench.run { _ in
      let far = try #require(bench.listener.connect("eukey:\(phone.urn):1", key: Bench.key(of: phone), as: .random()))
      await #expect(throws: Far.Gone.self) {
        try await far.hello([.pne])
        _ = try await far.ask(.registration, Bench.registration())
      }
    }
  }
}
