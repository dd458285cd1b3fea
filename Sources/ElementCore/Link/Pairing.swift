import CPNSMessages
import CPNSModel
import CPNSProcedures
import CPNSSession
import Logging
import Synchronization

/// Gets an Entity-User Key by a pairing code (docs/protocol.md, "Pairing").
///
///     link with the one-time key ──PairRequest──▶ KeyAssignment ──on disk──▶ close
struct Pairing: Sendable {
  enum Failure: Error, Equatable {
    /// Nothing is lost: the same code may be tried again.
    case interrupted(String)
    /// The gateway does not take the code.
    case refused(String)
  }

  let code: PairingCode
  let local: LocalEntity
  let connector: any GatewayConnecting
  let secrets: any ElementSecrets
  let store: any ElementStore
  let timer: any Clock<Duration>
  let logger: Logger

  /// Returns when the key is on disk.
  func run(at address: String) async throws(Failure) -> Membership {
    let key = secrets.derive(key: code.key, salt: code.salt, info: PSKIdentity.pairingInfo)
    let outcome = Mutex<Result<Membership, Failure>>(.failure(.interrupted("the link ended before the answer")))
    do {
      try await connector.withLink(to: address, identity: PSKIdentity.pairing.text, key: key) { link in
        let result = await converse(link)
        outcome.withLock { $0 = result }
      }
    } catch .untrusted(let why) {
      throw .refused(why)
    } catch {
      throw .interrupted(error.words)
    }
    return try outcome.withLock { $0 }.get()
  }

  private func converse(_ link: any Link) async -> Result<Membership, Failure> {
    let session = Session(link: link, local: local, handler: PairingHandler(code: code), logger: logger, clock: timer)
    let outcome = Mutex<Result<Membership, Failure>?>(nil)
    var ending = Failure.interrupted("the gateway closed the link")
    do throws(SessionError) {
      try await session.run { session, peer in
        let result = await ask(session, peer)
        outcome.withLock { $0 = result }
        await session.close()
      }
    } catch .refused(_, let detail) {
      ending = .refused(detail)
    } catch {
      ending = .interrupted(error.words)
    }
    return outcome.withLock { $0 } ?? .failure(ending)
  }

  private func ask(_ session: Session, _ peer: Peer) async -> Result<Membership, Failure> {
    var request = Cpns_V1_PairRequest()
    request.entityID = local.id.urn
    request.name = local.name
    do throws(SessionError) {
      let answer = try await session.request(
        .pairRequest, request.bytes, idempotency: IdempotencyID(uuid: local.id.uuid), deadline: .seconds(20))
      guard answer.kind == .keyAssignment, let assignment = try? answer.decoded(as: Cpns_V1_KeyAssignment.self),
        let membership = membership(assignment, peer)
      else { return .failure(.refused("the gateway's answer is not a key for this element")) }
      do { try await store.commit([.setMembership(membership)]) } catch { return .failure(.interrupted(error.words)) }
      return .success(membership)
    } catch .refused(let code, let detail) where !code.mayRetry {
      return .failure(.refused(detail))
    } catch {
      return .failure(.interrupted(error.words))
    }
  }

  /// nil unless it is for us, and from whom we speak to.
  private func membership(_ assignment: Cpns_V1_KeyAssignment, _ peer: Peer) -> Membership? {
    guard assignment.entityID == local.id.urn, assignment.gatewayID == peer.entity.urn, assignment.entityUserKey.count == 32,
      let pn = PNID(urn: assignment.pnID)
    else { return nil }
    return Membership(
      gateway: peer.entity, gatewayName: peer.name, pn: pn, entityUserKey: Array(assignment.entityUserKey), generation: assignment.generation)
  }
}
