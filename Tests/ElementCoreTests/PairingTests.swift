import CPNSMessages
import CPNSModel
import CPNSProcedures
import Testing

@testable import ElementCore

@Suite(.timeLimit(.minutes(1))) struct PairingTests {
  private let gateway = ScriptedGateway()

  @Test func anElementPairsByTheCodeAndThenRegistersWithItsKey() async throws {
    let store = MemoryStore()
    try await Living.run(gateway, store: store, code: gateway.code) { element in
      await element.events.wait { $0.contains(.registered(gateway.pn)) }
      #expect(element.events.entries.prefix(2) == [.found(name: "gw", address: "10.77.0.10:7421"), .paired(gateway: "gw")])
      #expect(gateway.links.entries.map(\.identity) == ["pair", "eukey:\(element.id):1"])
      let registration = try #require(gateway.asked.entries.last { $0.kind == .registration }).message(Cpns_V1_Registration.self)
      #expect(registration.name == "desk")
      #expect(registration.capabilities.deviceType == "computer")
      #expect(registration.services.map(\.serviceType) == ["content-reception"])
      #expect(registration.services.map(\.serviceID) == [await store.state.reception.urn])
    }
    #expect(await store.state.membership?.pn == gateway.pn)
  }

  @Test func aPairedElementNeedsNoCode() async throws {
    try await Living.paired(gateway) { element, _ in
      await element.events.wait { $0.contains(.registered(gateway.pn)) }
      #expect(gateway.links.entries.map(\.identity) == ["eukey:\(element.id):1"])
    }
  }

  @Test func aWrongCodeEndsItAndIsTriedOnlyOnce() async throws {
    let wrong = PairingCode(key: Array(repeating: 8, count: 16), gateway: gateway.id)
    try await Living.run(gateway, store: MemoryStore(), code: wrong) { element in
      await element.failures.wait { !$0.isEmpty }
      #expect(element.failures.entries == [.pairingRefused("10.77.0.10:7421: the peer knows no pre-shared key of ours")])
      #expect(gateway.links.entries.count == 1)
    }
  }

  @Test func aWindowThatAnotherDeviceTookEndsIt() async throws {
    await gateway.answer(.pairRequest, .status(.refused))
    try await Living.run(gateway, store: MemoryStore(), code: gateway.code) { element in
      await element.failures.wait { !$0.isEmpty }
      #expect(element.failures.entries == [.pairingRefused("10.77.0.10:7421: as told")])
    }
  }

  @Test func aLinkThatBreaksWhilePairingIsNoRefusal() async throws {
    await gateway.answer(.pairRequest, .cutTheLink)
    try await Living.run(gateway, store: MemoryStore(), code: gateway.code) { element in
      await element.events.wait { $0.contains(.registered(gateway.pn)) }
      #expect(gateway.links.entries.map(\.identity).filter { $0 == "pair" }.count == 2)
    }
  }

  @Test func theGatewayOfTheCodeIsPickedAmongOthers() async throws {
    let other = GatewaySighting(id: .random(), name: "other", addresses: ["10.77.0.99:7421"])
    try await Living.run(gateway, store: MemoryStore(), code: gateway.code, seen: [other, gateway.sighting]) { element in
      await element.events.wait { $0.contains(.registered(gateway.pn)) }
      #expect(!gateway.links.entries.contains { $0.address == "10.77.0.99:7421" })
    }
  }

  @Test func aGatewayKnownByItsAddressOnlyWillDo() async throws {
    let bare = GatewaySighting(id: nil, name: "gateway", addresses: ["gw.example:7421"])
    try await Living.run(gateway, store: MemoryStore(), code: gateway.code, seen: [bare]) { element in
      await element.events.wait { $0.contains(.registered(gateway.pn)) }
    }
  }

  @Test func anotherGatewayBehindTheAddressIsNotPairedWith() async throws {
    let code = PairingCode(key: Array(repeating: 7, count: 16), gateway: .random())
    let bare = GatewaySighting(id: nil, name: "gateway", addresses: ["gw.example:7421"])
    try await Living.run(gateway, store: MemoryStore(), code: code, seen: [bare]) { element in
      await element.failures.wait { !$0.isEmpty }
      #expect(!gateway.asked.entries.contains { $0.kind == .pairRequest })
    }
  }

  @Test func withoutKeyAndCodeThereIsNothingToBegin() async throws {
    await #expect(throws: ElementError.notPaired) { try await Living.run(gateway, store: MemoryStore()) { _ in } }
  }

  @Test func aKeyThatTheGatewayForgotIsToldPlainly() async throws {
    let store = await Living.pairedStore(gateway)
    await gateway.forgetKeys()
    try await Living.run(gateway, store: store) { element in
      let told = await element.events.wait { $0.contains { if case .failed = $0 { true } else { false } } }
      guard case .failed(let why) = told.last else { return }
      #expect(why.contains("refused this element's key") && why.contains("pngwctl pair"))
      #expect(element.failures.entries.isEmpty)
    }
    #expect(await store.state.membership != nil)
  }

  @Test func aKeyThatTheGatewayForgotIsReplacedByANewCode() async throws {
    let store = await Living.pairedStore(gateway)
    await gateway.forgetKeys()
    try await Living.run(gateway, store: store, code: gateway.code) { element in
      await element.events.wait { $0.contains(.registered(gateway.pn)) }
      #expect(element.events.entries.contains(.paired(gateway: "gw")))
    }
  }

  @Test func anotherEntityWithTheAddressOfOurGatewayIsNotRegisteredWith() async throws {
    let element = EntityID.random()
    var membership = await gateway.know(element)
    let key = FakeSecrets().derive(key: membership.entityUserKey, salt: Array(gateway.id.urn.utf8), info: PSKIdentity.gatewayKeyInfo)
    #expect(key.count == 32)
    membership.gateway = .random()
    let store = MemoryStore(ElementState(element: element, reception: .random(), membership: membership))
    let bare = GatewaySighting(id: nil, name: "gateway", addresses: ["gw.example:7421"])
    try await Living.run(gateway, store: store, seen: [bare]) { living in
      await living.events.wait { $0.contains { if case .failed = $0 { true } else { false } } }
      #expect(!gateway.asked.entries.contains { $0.kind == .registration })
    }
  }
}
