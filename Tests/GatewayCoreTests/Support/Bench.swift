import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import Logging
import Testing

@testable import GatewayCore

/// A whole gateway on fakes: the test plays the server, the PNEs, the LAN, the disk and the clocks.
struct Bench: Sendable {
  let store: MemoryStore
  let stages = MemoryStages()
  let relay = FakeRelay()
  let fetching = FakeFetching()
  let media = FakeMedia()
  let connector = FakeConnector()
  let listener = FakeListener()
  let credentials = FakeCredentials()
  let time = FakeTime()
  let secrets = FakeSecrets()
  let timer = ManualClock()
  let wall = ManualWallClock()
  let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  let server = EntityID.random()

  static let pn = PNID.random()

  /// - Parameters:
  ///   - isEnrolled: with ``server``, at `server:7420`.
  ///   - pairings: PNEs that have key ``key(of:)``, generation 1.
  init(isEnrolled: Bool = true, paired pairings: [EntityID] = [], entries: [InventoryEntry] = [], deliveries: [DeliveryRecord] = []) {
    let serverID = server
    store = MemoryStore { contents in
      contents.pn = PersonalNetworkState(
        id: Self.pn, name: "home", revision: 0, server: isEnrolled ? "server:7420" : nil, serverID: isEnrolled ? serverID : nil)
      for element in pairings {
        contents.pairings[element] = Pairing(
          element: element, name: "phone", generation: 1, gatewayKey: Self.key(of: element), paired: Timestamp(milliseconds: 0))
      }
      for entry in entries { contents.entries[entry.id] = entry }
      for delivery in deliveries { contents.deliveries[delivery.order.id] = delivery }
    }
  }

  static func key(of element: EntityID) -> [UInt8] { FakeSecrets.mix(Array(element.urn.utf8)) }

  func prepare() async throws -> Gateway {
    let settings = GatewaySettings(
      name: "gw", software: "test", uplink: UplinkService.Settings(server: "", backoffFirst: .milliseconds(500), backoffLimit: .seconds(60)),
      keepAlive: .seconds(10), pairingWindowSeconds: 300)
    let ports = GatewayPorts(
      store: store, stages: stages, relay: relay, fetching: fetching, media: media, uplink: connector, credentials: credentials,
      listener: listener, announcer: nil, secrets: secrets, clock: wall.clock, time: time, timer: timer)
    return try await Gateway.prepare(settings: settings, ports: ports, logger: logger)
  }

  /// Runs the gateway for as long as `body` lasts.
  func run(_ body: (Gateway) async throws -> Void) async throws {
    let gateway = try await prepare()
    let (ready, readiness) = AsyncStream<Void>.makeStream()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await gateway.run { readiness.yield() } }
      for await _ in ready { break }
      do { try await body(gateway) } catch {
        group.cancelAll()
        throw error
      }
      group.cancelAll()
    }
  }

  // MARK: The others

  /// The server takes the gateway's next link and says Hello.
  func serverLink() async throws -> Far {
    let link = await connector.link(as: server)
    try await link.hello([.cpnsServer])
    return link
  }

  /// As ``serverLink()``, after the gateway's wait before its next try. Time stands still again when the link is there: a Hello has its own.
  func nextServerLink() async throws -> Far {
    for _ in 0..<50 {
      let link = try await timer.passing { await connector.link(as: server) }
      // Time that passed before we saw the link may have been the whole of the gateway's patience: it tries again.
      do {
        try await link.hello([.cpnsServer])
        return link
      } catch is LinkError { continue }
    }
    throw LinkError.lost("fifty times")
  }

  /// A paired PNE connects and says Hello.
  func link(of element: EntityID) async throws -> Far {
    let link = try #require(listener.connect("eukey:\(element.urn):1", key: Self.key(of: element), as: element))
    try await link.hello([.pne])
    return link
  }

  /// A paired PNE connects, says Hello and registers.
  func registered(_ element: EntityID, _ name: String = "phone") async throws -> Far {
    let link = try await link(of: element)
    #expect(try await link.ask(.registration, Self.registration(name)).kind == .registrationResult)
    return link
  }

  static func registration(_ name: String = "phone") -> Cpns_V1_Registration {
    var registration = Cpns_V1_Registration()
    registration.name = name
    registration.capabilities.deviceType = "computer"
    registration.capabilities.accepts = ["*/*"]
    return registration
  }
}

// MARK: Values

func entry(
  _ id: EntityID = .random(), _ name: String = "TV", kind: InventoryEntry.Kind = .pne, _ availability: Availability = .online
) -> InventoryEntry {
  InventoryEntry(
    id: id, name: name, kind: kind, capabilities: DeviceCapabilities(deviceType: "computer"), availability: availability, reason: "registered",
    since: Timestamp(milliseconds: 1))
}

/// Content of these bytes for that consumer.
func order(_ bytes: [UInt8], to consumer: EntityID, type: String = "video/mp4", from server: EntityID) -> DeliveryOrder {
  let content = ContentDescription(id: .random(), name: "clip.mp4", mediaType: type, size: UInt64(bytes.count), sha256: FakeSecrets.mix(bytes))
  return DeliveryOrder(id: .random(), content: content, consumer: consumer, offeredBy: server)
}

func record(_ order: DeliveryOrder, attempts: Int = 0, source: ContentSource = .server) -> DeliveryRecord {
  DeliveryRecord(order: order, state: .accepted, source: source, accepted: Timestamp(milliseconds: 1), attempts: attempts)
}

extension Far {
  /// Takes the next ContentOpen and sends all of `bytes` from the offset that it asks for, within the first credit.
  @discardableResult
  func serve(_ bytes: [UInt8]) async throws -> Cpns_V1_ContentOpen {
    let request = try await next(.contentOpen)
    let open: Cpns_V1_ContentOpen = try request.decoded()
    var opened = Cpns_V1_ContentOpened()
    opened.stream = open.stream
    opened.size = UInt64(bytes.count)
    try await reply(.contentOpened, opened, to: request)
    try await send(Array(bytes.dropFirst(Int(open.offset))), on: open.stream, at: open.offset, last: true)
    return open
  }

  func send(_ bytes: [UInt8], on stream: UInt32, at offset: UInt64, last: Bool) async throws {
    var chunk = Cpns_V1_ContentChunk()
    chunk.stream = stream
    chunk.offset = offset
    chunk.data = Data(bytes)
    chunk.last = last
    try await tell(.contentChunk, chunk)
  }

  /// Takes the next offer and says yes.
  @discardableResult
  func accept() async throws -> Cpns_V1_DeliveryOffer {
    let request = try await next(.deliveryOffer)
    var answer = Cpns_V1_DeliveryAnswer()
    answer.accepted = true
    try await reply(.deliveryAnswer, answer, to: request)
    return try request.decoded()
  }

  /// Pulls the offered content, as a PNE does.
  func fetch(_ offer: Cpns_V1_DeliveryOffer) async throws -> [UInt8] {
    var open = Cpns_V1_ContentOpen()
    open.contentID = offer.content.contentID
    open.deliveryID = offer.deliveryID
    open.credit = UInt32(Limits.maximumCredit)
    open.stream = 1
    #expect(try await ask(.contentOpen, open).kind == .contentOpened)
    var bytes: [UInt8] = []
    while true {
      let chunk: Cpns_V1_ContentChunk = try await next(.contentChunk).decoded()
      bytes += chunk.data
      if chunk.last { return bytes }
    }
  }

  func conclude(_ offer: Cpns_V1_DeliveryOffer, bytes: [UInt8]) async throws -> Cpns_V1_Code? {
    var result = Cpns_V1_DeliveryResult()
    result.deliveryID = offer.deliveryID
    result.state = .delivered
    result.bytes = UInt64(bytes.count)
    return try await code(.deliveryResult, result)
  }

  /// Takes an inventory message and says that the revision is there.
  @discardableResult
  func takeInventory() async throws -> Cpns_V1_Envelope {
    let request = try await next()
    var result = Cpns_V1_InventoryResult()
    switch request.kind {
    case .inventoryChanges: result.revision = try request.decoded(as: Cpns_V1_InventoryChanges.self).revision
    case .inventorySnapshot: result.revision = try request.decoded(as: Cpns_V1_InventorySnapshot.self).revision
    default: Issue.record("expected an inventory message, got \(request.kind)")
    }
    try await reply(.inventoryResult, result, to: request)
    return request
  }
}
