import CPNSMessages
import CPNSModel
import CPNSSession
import FoundationEssentials
import SwiftProtobuf
import Testing

/// The other end of a gateway's link, played by a test line by line. Keep-alives are answered by themselves.
actor Far {
  struct Gone: Error {}

  nonisolated let id: EntityID
  nonisolated let link: MemoryLink
  private var aside: [Cpns_V1_Envelope] = []

  init(_ id: EntityID, _ link: MemoryLink) {
    self.id = id
    self.link = link
  }

  /// Says Hello and takes the other's.
  func hello(_ modes: [Cpns_V1_Mode], _ change: (inout Cpns_V1_Hello) -> Void = { _ in }) async throws {
    var hello = Cpns_V1_Hello()
    hello.protocolVersions = [1]
    hello.entityID = id.urn
    hello.modes = modes
    hello.name = "far"
    hello.limits.maxFrame = UInt32(Limits.frame)
    hello.limits.maxChunk = UInt32(Limits.chunk)
    change(&hello)
    try await link.send(envelope(.hello, hello, deadline: 0))
    _ = try await next(.hello)
  }

  /// Says Hello, and then that the other's is not wanted.
  func refuseHello(_ code: Cpns_V1_Code, _ detail: String) async throws {
    var hello = Cpns_V1_Hello()
    hello.protocolVersions = [1]
    hello.entityID = id.urn
    hello.modes = [.cpnsServer]
    try await link.send(envelope(.hello, hello, deadline: 0))
    try await reply(code, detail, to: await next(.hello))
    await link.close()
  }

  /// Sends a request and returns its answer.
  func ask(_ kind: Cpns_V1_Kind, _ message: some Message, _ change: (inout Cpns_V1_Envelope) -> Void = { _ in }) async throws -> Cpns_V1_Envelope {
    let id = try await post(kind, message, change)
    return try await next { $0.correlationID == id }
  }

  /// The code of the Status that `ask` is answered with; nil when it is another message.
  func code(_ kind: Cpns_V1_Kind, _ message: some Message) async throws -> Cpns_V1_Code? {
    let answer = try await ask(kind, message)
    return answer.kind == .status ? try answer.decoded(as: Cpns_V1_Status.self).code : nil
  }

  func status(_ kind: Cpns_V1_Kind, _ message: some Message) async throws -> Cpns_V1_Status {
    let answer = try await ask(kind, message)
    try #require(answer.kind == .status, "answered \(answer.kind)")
    return try answer.decoded()
  }

  /// Sends a request and does not wait.
  /// - Returns: its message id, for ``answer(to:)``.
  @discardableResult
  func post(_ kind: Cpns_V1_Kind, _ message: some Message, _ change: (inout Cpns_V1_Envelope) -> Void = { _ in }) async throws -> Data {
    var envelope = envelope(kind, message, deadline: 10_000)
    envelope.idempotencyID = Data(IdempotencyID.random().bytes)
    change(&envelope)
    try await link.send(envelope)
    return envelope.messageID
  }

  func answer(to id: Data) async throws -> Cpns_V1_Envelope { try await next { $0.correlationID == id } }

  func tell(_ kind: Cpns_V1_Kind, _ message: some Message) async throws { try await link.send(envelope(kind, message, deadline: 0)) }

  /// The next request or notification of this kind; others are kept.
  func next(_ kind: Cpns_V1_Kind) async throws -> Cpns_V1_Envelope { try await next { $0.kind == kind && $0.correlationID.isEmpty } }

  /// The next request or notification, whatever it is.
  func next() async throws -> Cpns_V1_Envelope { try await next { $0.correlationID.isEmpty } }

  func reply(_ kind: Cpns_V1_Kind, _ message: some Message, to request: Cpns_V1_Envelope) async throws {
    var answer = envelope(kind, message, deadline: 0)
    answer.correlationID = request.messageID
    try await link.send(answer)
  }
  func reply(_ code: Cpns_V1_Code, _ detail: String = "", to request: Cpns_V1_Envelope) async throws {
    try await reply(.status, Cpns_V1_Status(code, detail), to: request)
  }

  nonisolated func close() async { await link.close() }

  /// Reads until the other end closes.
  func untilClosed() async { while (try? await next { _ in true }) != nil {} }

  private func next(_ wanted: (Cpns_V1_Envelope) -> Bool) async throws -> Cpns_V1_Envelope {
    if let index = aside.firstIndex(where: wanted) { return aside.remove(at: index) }
    while let envelope = try await link.receive() {
      if envelope.kind == .keepAlive {
        try await reply(.ok, to: envelope)
      } else if wanted(envelope) {
        return envelope
      } else {
        aside.append(envelope)
      }
    }
    throw Gone()
  }

  private func envelope(_ kind: Cpns_V1_Kind, _ message: some Message, deadline: UInt32) -> Cpns_V1_Envelope {
    var envelope = Cpns_V1_Envelope()
    envelope.messageID = Data(IdempotencyID.random().bytes)
    envelope.origin = id.urn
    envelope.kind = kind
    envelope.body = Data(message.bytes)
    envelope.deadlineMs = deadline
    return envelope
  }
}
