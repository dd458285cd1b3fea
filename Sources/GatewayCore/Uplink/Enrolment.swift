import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession
import FoundationEssentials
import Logging
import Synchronization

/// Enrols this gateway with a server by a one-time claim code (docs/protocol.md, "Enrolment").
struct Enrolment: Sendable {
  enum Failure: Error, Equatable {
    case code(String)
    case link(String)
    case refused(String)
    case store(String)
  }

  let connector: any UplinkConnecting
  let credentials: any GatewayCredentials
  let secrets: any Secrets
  let local: LocalEntity
  let inventory: PNInventory
  let logger: Logger

  func run(code text: String, server: String) async throws(Failure) -> PNID {
    let code: ClaimCode
    do { code = try ClaimCode(parsing: text) } catch { throw .code(error.description) }
    let request = try await request(code)
    let answer = try await ask(server, code, request)
    guard let pn = PNID(urn: answer.pnID), let id = EntityID(urn: answer.serverID) else { throw .refused("the server answered without a PN") }
    do {
      try await credentials.install(chain: answer.certificateChain.map(Array.init), trustAnchor: Array(answer.trustAnchor))
    } catch {
      throw .store("\(error)")
    }
    do { try await inventory.enrol(pn: pn, server: server, serverID: id) } catch { throw .store("\(error)") }
    return pn
  }

  private func request(_ code: ClaimCode) async throws(Failure) -> Cpns_V1_EnrolmentRequest {
    var request = Cpns_V1_EnrolmentRequest()
    request.claim = Data(code.secret)
    request.entityID = local.id.urn
    request.name = local.name
    do {
      request.certificateRequest = Data(try await credentials.certificateRequest(for: local.id, name: local.name))
    } catch {
      throw .store("\(error)")
    }
    return request
  }

  private func ask(_ server: String, _ code: ClaimCode, _ request: Cpns_V1_EnrolmentRequest) async throws(Failure) -> Cpns_V1_Enrolment {
    let outcome = Mutex<Result<Cpns_V1_Enrolment, Failure>>(.failure(.link("the link ended before the answer")))
    do {
      try await connector.withLink(to: server, trust: .claim(fingerprint: code.fingerprint)) { link in
        let result = await converse(link, request)
        outcome.withLock { $0 = result }
      }
    } catch {
      throw .link(UplinkService.words(error))
    }
    return try outcome.withLock { $0 }.get()
  }

  private func converse(_ link: any Link, _ request: Cpns_V1_EnrolmentRequest) async -> Result<Cpns_V1_Enrolment, Failure> {
    let session = Session(link: link, local: local, handler: Quiet(), logger: logger)
    let outcome = Mutex<Result<Cpns_V1_Enrolment, Failure>?>(nil)
    do throws(SessionError) {
      try await session.run { session, _ in
        let result = await exchange(session, request)
        outcome.withLock { $0 = result }
        await session.close()
      }
    } catch {
      let ended = Result<Cpns_V1_Enrolment, Failure>.failure(.link(UplinkService.words(error)))
      return outcome.withLock { $0 } ?? ended
    }
    return outcome.withLock { $0 } ?? .failure(.link("the link ended before the answer"))
  }

  private func exchange(_ session: Session, _ request: Cpns_V1_EnrolmentRequest) async -> Result<Cpns_V1_Enrolment, Failure> {
    do throws(SessionError) {
      let answer = try await session.request(.enrolmentRequest, request.bytes, idempotency: effect(of: request), deadline: .seconds(20))
      guard answer.kind == .enrolment, let enrolment = try? answer.decoded(as: Cpns_V1_Enrolment.self) else {
        return .failure(.refused("the server's answer is not an enrolment"))
      }
      return .success(enrolment)
    } catch .refused(_, let detail) {
      return .failure(.refused(detail))
    } catch {
      return .failure(.link(UplinkService.words(error)))
    }
  }
}

extension Enrolment {
  /// The same for the same claim, also after a restart: when the answer was lost the claim is spent, and only this gets the answer again.
  private func effect(of request: Cpns_V1_EnrolmentRequest) -> IdempotencyID? {
    let derived = secrets.derive(key: Array(request.claim), salt: Array(local.id.urn.utf8), info: "cpns/1 enrolment")
    return IdempotencyID(bytes: Array(derived.prefix(16)))
  }
}

/// Before enrolment the server has nothing to ask of us.
private struct Quiet: SessionHandler {
  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission { .admitted(.server) }
  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply { .status(.notReady, "not enrolled yet") }
  func received(_ notification: Cpns_V1_Envelope, on session: Session) async {}
}
