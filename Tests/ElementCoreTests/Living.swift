import CPNSModel
import CPNSProcedures

@testable import ElementCore

/// An element that lives as long as `body` does.
struct Living: Sendable {
  let id: EntityID
  let events = Log<ElementEvent>()
  /// Of ``Element/run()``.
  let failures = Log<ElementError>()

  static func run(
    _ gateway: ScriptedGateway, store: MemoryStore, inbox: MemoryInbox = MemoryInbox(), code: PairingCode? = nil,
    seen: [GatewaySighting]? = nil, accepts: [String] = ["*/*"], _ body: (Living) async throws -> Void
  ) async throws {
    let ports = ElementPorts(
      store: store, inbox: inbox, finder: FixedSightings(seen ?? [gateway.sighting]), connector: gateway, secrets: FakeSecrets(),
      clock: WallClock { Timestamp(milliseconds: 1_700_000_000_000) })
    let settings = ElementSettings(
      name: "desk", capabilities: DeviceCapabilities(deviceType: "computer", accepts: accepts), pairingCode: code,
      backoffFirst: .milliseconds(1), backoffLimit: .milliseconds(5))
    let element = try await Element.prepare(settings: settings, ports: ports, logger: quiet)
    let living = Living(id: element.id)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { for await event in element.events { living.events.add(event) } }
      group.addTask {
        do throws(ElementError) { try await element.run() } catch { living.failures.add(error) }
      }
      defer { group.cancelAll() }
      try await body(living)
    }
  }

  /// With a pairing from an earlier life.
  static func paired(
    _ gateway: ScriptedGateway, inbox: MemoryInbox = MemoryInbox(), code: PairingCode? = nil, accepts: [String] = ["*/*"],
    _ body: (Living, MemoryStore) async throws -> Void
  ) async throws {
    let store = await pairedStore(gateway)
    try await run(gateway, store: store, inbox: inbox, code: code, accepts: accepts) { try await body($0, store) }
  }

  static func pairedStore(_ gateway: ScriptedGateway) async -> MemoryStore {
    let element = EntityID.random()
    return MemoryStore(ElementState(element: element, reception: .random(), membership: await gateway.know(element)))
  }
}

/// An order for `bytes`; the hash is right unless another is given.
func order(_ bytes: [UInt8], for element: EntityID, name: String = "a.png", type: String = "image/png", sha256: [UInt8]? = nil) -> DeliveryOrder {
  let content = ContentDescription(id: .random(), name: name, mediaType: type, size: UInt64(bytes.count), sha256: sha256 ?? digest(bytes))
  return DeliveryOrder(id: .random(), content: content, consumer: element, offeredBy: .random())
}
