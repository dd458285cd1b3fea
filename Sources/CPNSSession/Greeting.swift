import CPNSMessages
import CPNSModel

/// Hello: both sides send it first, and neither goes on before it has the other's.
extension Session {
  /// Versions of the protocol that this implementation speaks, best first.
  static let versions: [UInt32] = [1]

  func greet() async throws(SessionError) -> Peer {
    let greeting = envelope(.hello, hello.bytes)
    self.greeting = greeting.messageID
    try await send(greeting)
    let first = try await firstEnvelope()
    guard first.kind == .hello else {
      if first.kind == .status { throw refusedByPeer(first) }
      return try await refuse(first, Cpns_V1_Status(.notReady, "the first message on a link is Hello"))
    }
    let theirs: Cpns_V1_Hello
    do { theirs = try first.decoded() } catch { return try await refuse(first, Cpns_V1_Status(.malformed, error.description)) }
    if !Set(theirs.protocolVersions).intersection(Self.versions).isEmpty {
      return try await admit(theirs, answering: first)
    }
    var status = Cpns_V1_Status(.versionUnsupported, "versions spoken here: \(Self.versions)")
    status.protocolVersions = Self.versions
    return try await refuse(first, status)
  }

  private func admit(_ hello: Cpns_V1_Hello, answering first: Cpns_V1_Envelope) async throws(SessionError) -> Peer {
    guard let entity = EntityID(urn: hello.entityID), hello.supportedKinds.count <= 256, hello.name.count <= 64, hello.software.count <= 64
    else { return try await refuse(first, Cpns_V1_Status(.malformed, "Hello: expected entity_id urn:uuid:…, at most 256 kinds, names of at most 64 characters")) }
    switch await handler.admit(link.peer, hello: hello) {
    case .refused(let code, let detail): return try await refuse(first, Cpns_V1_Status(code, detail))
    case .admitted(let role):
      return Peer(
        entity: entity, role: role, modes: hello.modes.compactMap(Mode.init), name: hello.name, software: hello.software,
        maxFrame: Int(hello.limits.maxFrame), maxChunk: Int(hello.limits.maxChunk), link: link.peer)
    }
  }

  private var hello: Cpns_V1_Hello {
    var hello = Cpns_V1_Hello()
    hello.protocolVersions = Self.versions
    hello.entityID = local.id.urn
    hello.modes = local.modes.map(Cpns_V1_Mode.init)
    hello.supportedKinds = local.supportedKinds
    hello.name = String(local.name.prefix(64))
    hello.software = String(local.software.prefix(64))
    hello.limits.maxFrame = UInt32(Limits.frame)
    hello.limits.maxChunk = UInt32(Limits.chunk)
    hello.limits.maxRequests = UInt32(Limits.requests)
    hello.limits.maxSilenceMs = local.maxSilence.milliseconds
    return hello
  }

  /// A peer that connects and says nothing is dropped after ``Limits/helloSeconds``.
  private func firstEnvelope() async throws(SessionError) -> Cpns_V1_Envelope {
    let result: Result<Cpns_V1_Envelope, SessionError> = await withTaskGroup(of: Result<Cpns_V1_Envelope, SessionError>?.self) { group in
      group.addTask { [link] in
        do throws(LinkError) {
          guard let envelope = try await link.receive() else { return .failure(.lost("closed before Hello")) }
          return .success(envelope)
        } catch {
          return .failure(SessionError(error))
        }
      }
      group.addTask { [clock] in
        do { try await clock.sleep(for: .seconds(Limits.helloSeconds)) } catch { return nil }
        return .failure(.timedOut)
      }
      let first = (await group.next() ?? nil) ?? .failure(.lost("cancelled"))
      // The reader wakes only when the link does.
      if case .failure = first { await link.close() }
      group.cancelAll()
      return first
    }
    return try result.get()
  }

  private func refuse(_ first: Cpns_V1_Envelope, _ status: Cpns_V1_Status) async throws(SessionError) -> Peer {
    var answer = envelope(.status, status.bytes)
    answer.correlationID = first.messageID
    try await send(answer)
    throw .refused(code: status.code, detail: status.detail)
  }

  func refusedByPeer(_ envelope: Cpns_V1_Envelope) -> SessionError {
    guard let status = try? envelope.decoded(as: Cpns_V1_Status.self) else { return .malformed("Status") }
    return .refused(code: status.code, detail: status.detail)
  }
}

extension Mode {
  init?(_ message: Cpns_V1_Mode) {
    switch message {
    case .pne: self = .pne
    case .pnGw: self = .pnGateway
    case .cpnsServer: self = .server
    case .unspecified, .UNRECOGNIZED: return nil
    }
  }
}

extension Cpns_V1_Mode {
  init(_ mode: Mode) {
    self =
      switch mode {
      case .pne: .pne
      case .pnGateway: .pnGw
      case .server: .cpnsServer
      }
  }
}
