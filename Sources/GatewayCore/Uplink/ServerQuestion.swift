import CPNSMessages
import CPNSModel
import CPNSSession
import Logging
import Synchronization

/// One question to a server on a link of its own, on which we show no certificate: to get one.
struct ServerQuestion: Sendable {
  enum Failure: Error, Equatable {
    case link(String)
    /// The server said no.
    case refused(String)

    var words: String {
      switch self {
      case .link(let why), .refused(let why): why
      }
    }
  }

  let connector: any UplinkConnecting
  let local: LocalEntity
  let logger: Logger

  func ask(
    _ server: String, trust: UplinkTrust, _ kind: Cpns_V1_Kind, _ body: [UInt8], idempotency: IdempotencyID? = nil
  ) async throws(Failure) -> Cpns_V1_Enrolment {
    let outcome = Mutex<Result<Cpns_V1_Enrolment, Failure>>(.failure(.link("the link ended before the answer")))
    do {
      try await connector.withLink(to: server, trust: trust) { link in
        let result = await converse(link, kind, body, idempotency)
        outcome.withLock { $0 = result }
      }
    } catch {
      throw .link(error.words)
    }
    return try outcome.withLock { $0 }.get()
  }

  private func converse(_ link: any Link, _ kind: Cpns_V1_Kind, _ body: [UInt8], _ idempotency: IdempotencyID?) async -> Result<Cpns_V1_Enrolment, Failure> {
    let session = Session(link: link, local: local, handler: Quiet(), logger: logger)
    let outcome = Mutex<Result<Cpns_V1_Enrolment, Failure>?>(nil)
    do throws(SessionError) {
      try await session.run { session, _ in
        let result = await Self.exchange(session, kind, body, idempotency)
        outcome.withLock { $0 = result }
        await session.close()
      }
    } catch {
      let ended = Result<Cpns_V1_Enrolment, Failure>.failure(.link(error.words))
      return outcome.withLock { $0 } ?? ended
    }
    return outcome.withLock { $0 } ?? .failure(.link("the link ended before the answer"))
  }

  /// The same question on a link that stands.
  static func exchange(
    _ session: Session, _ kind: Cpns_V1_Kind, _ body: [UInt8], _ idempotency: IdempotencyID? = nil
  ) async -> Result<Cpns_V1_Enrolment, Failure> {
    do throws(SessionError) {
      let answer = try await session.request(kind, body, idempotency: idempotency, deadline: .seconds(20))
      guard answer.kind == .enrolment, let enrolment = try? answer.decoded(as: Cpns_V1_Enrolment.self) else {
        return .failure(.refused("the server's answer is not an enrolment"))
      }
      return .success(enrolment)
    } catch .refused(_, let detail) {
      return .failure(.refused(detail))
    } catch {
      return .failure(.link(error.words))
    }
  }
}

/// The server has nothing to ask of us yet.
private struct Quiet: SessionHandler {
  func admit(_ peer: LinkPeer, hello: Cpns_V1_Hello) async -> Admission { .admitted(.server) }
  func respond(to request: Cpns_V1_Envelope, on session: Session) async -> Reply { .status(.notReady, "not enrolled yet") }
  func received(_ notification: Cpns_V1_Envelope, on session: Session) async {}
}
