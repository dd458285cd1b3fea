import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession
import FoundationEssentials
import Logging

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
    let answer = try await ask(server, code, try await request(code))
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
    let question = ServerQuestion(connector: connector, local: local, logger: logger)
    do throws(ServerQuestion.Failure) {
      return try await question.ask(server, trust: .claim(fingerprint: code.fingerprint), .enrolmentRequest, request.bytes, idempotency: effect(of: request))
    } catch {
      switch error {
      case .link(let why): throw .link(why)
      case .refused(let why): throw .refused(why)
      }
    }
  }

  /// The same for the same claim, also after a restart: when the answer was lost the claim is spent, and only this gets the answer again.
  private func effect(of request: Cpns_V1_EnrolmentRequest) -> IdempotencyID? {
    let derived = secrets.derive(key: Array(request.claim), salt: Array(local.id.urn.utf8), info: "cpns/1 enrolment")
    return IdempotencyID(bytes: Array(derived.prefix(16)))
  }
}
