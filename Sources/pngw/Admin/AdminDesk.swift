import AdminProtocol
import FoundationEssentials
import GatewayCore
import HTTPServing

/// Carries out one request that may be carried out.
struct AdminDesk: Sendable {
  /// Ended deliveries on one page.
  private static let mostDeliveries = 1000

  let administration: Administration
  let watchers: Places
  let request: HTTPRequest
  /// Of what the path names; empty when it names nothing.
  let id: String

  func perform(_ operation: AdminOperation) async throws -> HTTPResponse {
    switch operation {
    case .showVersion: .json(200, administration.version)
    case .showStatus: .json(200, try await administration.status())
    case .listPNEs: .json(200, await administration.pnes())
    case .showPNE: .json(200, try await administration.pne(id))
    case .removePNE: .json(200, try await administration.remove(id))
    case .browse: .json(200, try await administration.browse(id, try BrowseRequest(query: request.query)))
    case .showPairing: .json(200, administration.pairing())
    case .openPairing: .json(200, try administration.openPairing(try await pairingRequest()))
    case .cancelPairing: .json(200, administration.cancelPairing())
    case .enrol: .json(200, try await administration.enrol(try await request.decodeBody()))
    case .stageContent: .json(201, try await stage())
    case .listDeliveries: .json(200, try await deliveries())
    case .showDelivery: .json(200, try await administration.delivery(id))
    case .deliver: .json(202, try await administration.deliver(try await request.decodeBody()))
    case .watch: try events()
    }
  }

  /// The body may be left out.
  private func pairingRequest() async throws -> PairingRequest {
    if case .none = request.announced { return PairingRequest() }
    if case .bytes(0) = request.announced { return PairingRequest() }
    return try await request.decodeBody()
  }

  private func stage() async throws -> ContentReply {
    let size: UInt64?
    switch request.announced {
    case .none: throw HTTPFailure.noLength
    case .bytes(let count): size = count
    case .unknown: size = nil
    }
    let type = request.headers["content-type"] ?? MediaTypeTable.unknown
    do {
      return try await administration.stage(name: request.query["name"] ?? "", mediaType: type, size: size, from: request.body)
    } catch let failure as AdminFailure {
      throw failure
    } catch {
      throw AdminFailure(.badRequest, "the content ended too early: \(error)", remedy: "send it whole")
    }
  }

  private func deliveries() async throws -> DeliveryListReply {
    try await administration.deliveries(limit: try request.query.number("limit", in: 0...Self.mostDeliveries, default: 50))
  }

  /// Listens from before the answer begins: who has read its head misses nothing that comes after.
  private func events() throws(AdminFailure) -> HTTPResponse {
    guard let place = watchers.take() else {
      throw AdminFailure(.busy, "\(Places.watchers) watch already", remedy: "end some of them (pngwctl watch)")
    }
    let events = administration.events()
    return HTTPResponse(200, contentType: "application/x-ndjson", headers: [("Cache-Control", "no-store")], body: .stream { write in
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      defer { withExtendedLifetime(place) {} }
      for await event in events { try await write(Array(try encoder.encode(EventReply(event))) + [10]) }
    })
  }
}

extension EventReply {
  init(_ event: GatewayEvent) {
    self.init(sequence: event.sequence, at: UTCTime(event.at), kind: event.kind.rawValue, text: event.text, fields: event.fields)
  }
}
