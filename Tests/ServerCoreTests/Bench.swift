import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import Logging
import ServerCore
import Synchronization
import Testing

/// A server over fakes, and the peers that a test makes.
struct Bench: Sendable {
  let store = MemoryServerStore()
  let contents = FakeContents()
  let listener = FakeListener()
  let timer = ManualClock()
  let wall = Shared<Int64>(1_790_000_000_000)
  let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  /// Runs a server while `body` runs.
  static func run(_ body: @escaping @Sendable (Bench, Server) async throws -> Void) async throws {
    let bench = Bench()
    let wall = bench.wall
    let ports = ServerPorts(
      store: bench.store, contents: bench.contents, authority: FakeAuthority(), listener: bench.listener, secrets: FakeSecrets(),
      clock: WallClock { Timestamp(milliseconds: wall.value) }, timer: bench.timer)
    let server = try await Server.prepare(settings: ServerSettings(name: "server", software: "test"), ports: ports, logger: bench.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run { _ in } }
      try await body(bench, server)
      group.cancelAll()
    }
  }

  // MARK: Peers

  /// One link's life as a peer. The link is closed when `body` returns.
  @discardableResult
  func link(
    as entity: EntityID, _ credential: LinkPeer.Credential? = nil, address: String = "192.0.2.1:1", _ handler: FakeGateway = FakeGateway(),
    _ body: @escaping @Sendable (Session) async throws -> Void
  ) async throws -> SessionError? {
    let local = LocalEntity(id: entity, role: .gateway, modes: [.pnGateway], name: "gateway", software: "test", supportedKinds: [])
    let session = Session(
      link: listener.connect(credential ?? .certificate(entity), address: address), local: local, handler: handler, logger: logger, clock: timer)
    let failure = Shared(nil as (any Error)?)
    let outcome: SessionError?
    do throws(SessionError) {
      try await session.run { session, _ in
        do { try await body(session) } catch { failure.value = error }
        await session.close()
      }
      outcome = nil
    } catch { outcome = error }
    if let error = failure.value { throw error }
    return outcome
  }

  func claim(_ secret: UInt8 = 1, pn: String? = nil) async throws -> [UInt8] {
    let secret = [UInt8](repeating: secret, count: 16)
    try await store.commit([.putClaim(ClaimRecord(hash: FakeSecrets().sha256(secret), pnName: pn, made: Timestamp(milliseconds: wall.value)))])
    return secret
  }

  func request(_ claim: [UInt8], for entity: EntityID, key: UInt8 = 9) -> Cpns_V1_EnrolmentRequest {
    var request = Cpns_V1_EnrolmentRequest()
    request.claim = Data(claim)
    request.certificateRequest = Data([1, 2, key])
    request.entityID = entity.urn
    request.name = "Home"
    return request
  }

  /// A gateway that has enrolled before.
  func gateway(_ key: UInt8 = 9) async throws -> GatewayRecord {
    let gateway = GatewayRecord(id: .random(), name: "Home", pn: .random(), key: [key], enrolled: Timestamp(milliseconds: wall.value))
    let network = NetworkRecord(id: gateway.pn, name: "Home", isNamedHere: false, revision: 0, gateway: gateway.id)
    try await store.commit([.putGateway(gateway), .putNetwork(network)])
    return gateway
  }

  func device(_ name: String = "TV", in pn: PNID? = nil) async throws -> InventoryEntry {
    let id = EntityID.random()
    let entry = InventoryEntry(
      id: id, name: name, kind: .pne, capabilities: DeviceCapabilities(deviceType: "television"),
      services: [ServiceDescription(id: .random(), name: name, type: "media-rendering", offeredBy: id)], availability: .online, reason: "registered",
      since: Timestamp(milliseconds: 5))
    if let pn { try await store.commit([.putEntry(entry, pn)]) }
    return entry
  }

  func upload(_ bytes: [UInt8], to server: Server) async throws -> ContentRecord {
    let upload = try await server.receive(name: "clip.mp4", mediaType: "video/mp4", size: UInt64(bytes.count))
    try await upload.append(bytes)
    return try await upload.finish()
  }

  /// Waits for what must come true.
  func until(_ what: String, _ condition: () async throws -> Bool) async throws {
    for _ in 0..<200_000 {
      if try await condition() { return }
      await Task.yield()
    }
    Issue.record("\(what) did not come true")
  }
}

/// A value that several tasks look at.
final class Shared<Value: Sendable>: Sendable {
  private let held: Mutex<Value>
  init(_ value: Value) { held = Mutex(value) }
  var value: Value {
    get { held.withLock { $0 } }
    set { held.withLock { $0 = newValue } }
  }
}

extension Session {
  /// - Returns: the status that the request ended with, `.ok` for any other answer.
  func code(_ kind: Cpns_V1_Kind, _ body: [UInt8], idempotency: IdempotencyID? = .random()) async throws -> Cpns_V1_Code {
    do throws(SessionError) {
      _ = try await request(kind, body, idempotency: idempotency)
      return .ok
    } catch .refused(let code, _) { return code }
  }
}
