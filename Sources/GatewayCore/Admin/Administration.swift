package import AdminProtocol
import CPNSModel
import CPNSProcedures
import Diagnosis
import Logging

/// Everything that an administrator can see and do (`pngwctl`). Who may do what was checked before.
package struct Administration: Sendable {
  let gateway: Gateway
  let contents: StagedContents
  /// One enrolment at a time: a claim code is good once, and two servers are one too many.
  let enrolling = Turnstile()

  package init(gateway: Gateway) {
    self.gateway = gateway
    contents = StagedContents(stages: gateway.ports.stages)
  }

  package var version: VersionReply {
    VersionReply(software: gateway.settings.software, name: gateway.settings.name, entityID: gateway.id)
  }

  /// What happens from now on.
  package func events() -> AsyncStream<GatewayEvent> { gateway.journal.watch() }

  // MARK: Status

  package func status() async throws(AdminFailure) -> StatusReply {
    let network = await gateway.inventory.network
    let entries = await gateway.inventory.all
    let outbox: OutboxDepth
    do { outbox = try await gateway.ports.store.outboxDepth() } catch { throw AdminFailure(error) }
    let now = gateway.ports.clock.now()
    func count(_ availability: Availability) -> Int { entries.count { $0.availability == availability } }
    return StatusReply(
      name: gateway.settings.name, software: gateway.settings.software, entityID: gateway.id, now: UTCTime(now),
      clock: .init(plausible: gateway.ports.time?.problem == nil && ClockRule.isPlausible(now)),
      pn: .init(id: network.id, name: network.name, revision: network.revision), uplink: uplink(network),
      elements: .init(port: await gateway.elements.port, linked: await gateway.elements.linked), interfaces: await interfaces(),
      devices: .init(online: count(.online), busy: count(.busy), offline: count(.offline)),
      outbox: .init(messages: outbox.messages, oldest: outbox.oldest.map(UTCTime.init), fullInHours: forecast(outbox, now)),
      liveDeliveries: await gateway.deliveries.allLive.count, pairing: pairing(), warnings: gateway.health.list.map(StatusReply.Warning.init))
  }

  private func forecast(_ outbox: OutboxDepth, _ now: Timestamp) -> Int? {
    guard let disk = gateway.ports.machine.disk else { return nil }
    return OutboxForecast(messages: outbox.messages, bytes: outbox.bytes, oldest: outbox.oldest, now: now, freeBytes: disk.free).fullInHours
  }

  private func uplink(_ network: PersonalNetworkState) -> StatusReply.Uplink {
    let (state, since) = gateway.uplink.stateAndSince
    let (word, server, why): (StatusReply.Uplink.State, String?, String?) =
      switch state {
      case .notEnrolled: (.notEnrolled, nil, nil)
      case .connecting(let server): (.connecting, server, nil)
      case .connected(let server, _): (.connected, server, nil)
      case .waiting(let server, let why): (.waiting, server, why)
      }
    return .init(state: word, server: server, serverID: network.serverID, since: UTCTime(since), detail: why)
  }

  private func interfaces() async -> [StatusReply.Interface] {
    let states = await gateway.proxy?.workerStates ?? [:]
    return states.sorted { $0.key < $1.key }.map { StatusReply.Interface(name: $0.key, up: $0.value) }
  }

  // MARK: Pairing

  package func pairing() -> PairingReply {
    guard let window = gateway.elements.keys.window else { return PairingReply(open: false) }
    return PairingReply(open: true, expires: UTCTime(window.expires), claimedBy: window.claimedBy)
  }

  package func openPairing(_ request: PairingRequest) throws(AdminFailure) -> PairingOpenedReply {
    let seconds = request.seconds ?? gateway.settings.pairingWindowSeconds
    guard PairingRequest.bounds.contains(seconds) else {
      throw AdminFailure(
        .badRequest, "a pairing window of \(seconds) s is not possible",
        remedy: "give \(PairingRequest.bounds.lowerBound) to \(PairingRequest.bounds.upperBound) seconds")
    }
    let opened = gateway.elements.openWindow(seconds: seconds)
    return PairingOpenedReply(code: opened.code.text, uri: opened.code.uri, expires: UTCTime(opened.expires))
  }

  package func cancelPairing() -> PairingReply {
    gateway.elements.cancelWindow()
    return pairing()
  }

  // MARK: Enrolment

  package func enrol(_ request: EnrolmentRequest) async throws(AdminFailure) -> EnrolmentReply {
    guard Self.isServer(request.server) else {
      throw AdminFailure(.badRequest, "\"\(request.server.prefix(80))\" is no HOST:PORT", remedy: "give the server's name or address and its port, as server.example:7420")
    }
    guard enrolling.enter() else { throw AdminFailure(.conflict, "an enrolment is under way already", remedy: "wait for its end, then look at the status") }
    defer { enrolling.leave() }
    let pn: PNID
    do throws(Enrolment.Failure) { pn = try await gateway.enrolment.run(code: request.code, server: request.server) } catch {
      throw AdminFailure(error, server: request.server)
    }
    guard let server = await gateway.inventory.network.serverID else {
      throw AdminFailure(.unavailable, "the enrolment was not kept", remedy: "look at the log and try again")
    }
    gateway.journal.tell(.enrolled, "enrolled with \(request.server)", ["server": request.server, "entity": server.urn, "pn": pn.urn])
    await gateway.uplink.enrolled()
    return EnrolmentReply(pnID: pn, serverID: server)
  }

  private static func isServer(_ text: String) -> Bool {
    guard text.utf8.count <= 260, let colon = text.lastIndex(of: ":"), colon > text.startIndex else { return false }
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits), port > 0 else { return false }
    let host = text[..<colon]
    return host.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != 47 && $0 != 64 } && (host.hasPrefix("[") == host.contains(":"))
  }
}

extension StatusReply.Warning {
  init(_ standing: HealthBoard.Standing) {
    let warning = standing.warning
    self.init(
      code: warning.code.rawValue, severity: warning.severity.rawValue, subject: warning.subject, cause: warning.cause,
      nextStep: warning.nextStep, affects: warning.affects, since: UTCTime(standing.since))
  }
}
