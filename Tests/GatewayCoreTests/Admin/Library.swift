import CPNSModel
import GatewayCore
import Logging
import MediaProtocol
import Synchronization

/// A media server that has what the test put into it.
final class Library: MediaDevices {
  static let device = MediaDevice(
    udn: UDN("nas"), role: .server, deviceType: "urn:schemas-upnp-org:device:MediaServer:1", friendlyName: "NAS", manufacturer: "", modelName: "",
    address: "10.0.0.8", interface: "lan", localAddress: "10.0.0.1", sink: [], source: [])

  let events: AsyncStream<MediaDeviceEvent>
  private let telling: AsyncStream<MediaDeviceEvent>.Continuation
  private let objects: Mutex<[MediaObject]>
  private let trouble = Mutex<MediaError?>(nil)

  init(_ objects: [MediaObject] = []) {
    (events, telling) = AsyncStream.makeStream()
    self.objects = Mutex(objects)
    telling.yield(.appeared(Self.device))
  }

  func tell(_ event: MediaDeviceEvent) { telling.yield(event) }
  func fail(_ error: MediaError) { trouble.withLock { $0 = error } }

  func perform(_ command: MediaCommand, on device: UDN) async throws(MediaError) -> MediaReply {
    if let trouble = trouble.withLock({ $0 }) { throw trouble }
    let objects = objects.withLock { $0 }
    switch command {
    case .browse(_, let start, let count): return .objects(Array(objects.dropFirst(start).prefix(count)), total: objects.count)
    case .metadata(let id):
      guard let object = objects.first(where: { $0.id == id }) else { throw .fault(code: 701, text: "No such object") }
      return .objects([object], total: 1)
    case .play, .stop, .transportInfo, .positionInfo: return .done
    }
  }

  static func track(_ id: String = "1", _ title: String = "Song", _ resources: [MediaResource]? = nil) -> MediaObject {
    let usual = [MediaResource(protocolInfo: "http-get:*:audio/mpeg:*", url: "http://10.0.0.8/1.mp3", size: 3)]
    return MediaObject(id: id, title: title, upnpClass: "object.item.audioItem", isContainer: false, resources: resources ?? usual)
  }
}

extension Bench {
  /// Runs a gateway that has found `library`.
  func run(_ library: Library, _ body: @Sendable @escaping (Gateway, Administration, InventoryEntry) async throws -> Void) async throws {
    let settings = GatewaySettings(
      name: "gw", software: "test", uplink: UplinkService.Settings(server: "", backoffFirst: .milliseconds(500), backoffLimit: .seconds(60)),
      keepAlive: .seconds(10), pairingWindowSeconds: 300)
    let ports = GatewayPorts(
      store: store, stages: stages, relay: relay, fetching: fetching, media: library, uplink: connector, credentials: credentials, listener: listener,
      announcer: nil, secrets: secrets, clock: wall.clock, timer: timer)
    let gateway = try await Gateway.prepare(settings: settings, ports: ports, logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await gateway.run {} }
      group.addTask {
        for await change in gateway.inventory.observe() where change.entry.name == "NAS" {
          return try await body(gateway, Administration(gateway: gateway), change.entry)
        }
      }
      try await group.next()
      group.cancelAll()
    }
  }
}
