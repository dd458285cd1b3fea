import AdminProtocol
import CPNSModel
import FoundationEssentials
import GatewayCore
import HTTPServing

/// Carries out one request that may be carried out.
struct AdminDesk: Sendable {
  /// Ended deliveries on one page.
  private static let mostDeliveries = 1000
  /// Entries of the audit log on one page.
  private static let mostEntries = 2500

  let administration: Administration
  let configuration: ConfigurationDesk
  let watchers: Places
  let audit: AuditFile
  let request: HTTPRequest
  /// Of what the path names; empty when it names nothing.
  let id: String

  /// What was done, and to what: for the audit log.
  struct Deed: Sendable {
    var response: HTTPResponse
    var subject: String
  }

  /// What changes something.
  func change(_ operation: AdminOperation) async throws -> Deed {
    switch operation {
    case .removePNE:
      let reply = try await administration.remove(id)
      return Deed(response: .json(200, reply), subject: reply.removed.urn)
    case .openPairing:
      let reply = try administration.openPairing(try await pairingRequest())
      return Deed(response: .json(200, reply), subject: "until \(reply.expires.timestamp.iso8601)")
    case .cancelPairing: return Deed(response: .json(200, administration.cancelPairing()), subject: "")
    case .enrol:
      let request: EnrolmentRequest = try await request.decodeBody()
      let reply = try await administration.enrol(request)
      return Deed(response: .json(200, reply), subject: "\(request.server) \(reply.serverID.urn)")
    case .stageContent:
      let reply = try await stage()
      return Deed(response: .json(201, reply), subject: reply.contentID.urn)
    case .deliver:
      let reply = try await administration.deliver(try await request.decodeBody())
      return Deed(response: .json(202, reply), subject: "\(reply.deliveryID.urn) to \(reply.consumer.urn)")
    case .reloadConfiguration:
      let reply = try await configuration.reload(trialSeconds: try await reloadRequest().trialSeconds)
      return Deed(response: .json(200, reply), subject: reply.trial.map { "trial \($0.rawValue)" } ?? "")
    case .showVersion, .showStatus, .listPNEs, .showPNE, .browse, .showPairing, .listDeliveries, .showDelivery, .watch, .explainPNE, .explainDelivery,
      .listEvents, .listAudit, .readMetrics, .readAPI, .showConfiguration:
      return Deed(response: try await look(operation), subject: "")
    }
  }

  /// What changes nothing.
  func look(_ operation: AdminOperation) async throws -> HTTPResponse {
    switch operation {
    case .showVersion: .json(200, administration.version)
    case .showStatus: .json(200, try await administration.status())
    case .listPNEs: .json(200, await administration.pnes())
    case .showPNE: .json(200, try await administration.pne(id))
    case .browse: .json(200, try await administration.browse(id, try BrowseRequest(query: request.query)))
    case .showPairing: .json(200, administration.pairing())
    case .listDeliveries: .json(200, try await deliveries())
    case .showDelivery: .json(200, try await administration.delivery(id))
    case .watch: try events()
    case .explainPNE: .json(200, try await administration.explain(pne: id))
    case .explainDelivery: .json(200, try await administration.explain(delivery: id))
    case .listEvents: .json(200, EventListReply(events: administration.pastEvents(limit: try limit(Journal.remembered)).map(EventReply.init)))
    case .listAudit: .json(200, AuditReply(entries: await audit.read(limit: try limit(Self.mostEntries))))
    case .readMetrics: HTTPResponse(200, contentType: OpenMetrics.contentType, body: .bytes(Array(try await administration.metrics().utf8)))
    case .readAPI: .json(200, OpenAPIDocument.make(software: administration.version.software))
    case .showConfiguration: .json(200, await configuration.show())
    case .removePNE, .openPairing, .cancelPairing, .enrol, .stageContent, .deliver, .reloadConfiguration: try await change(operation).response
    }
  }

  private func limit(_ most: Int) throws(AdminFailure) -> Int { try request.query.number("limit", in: 0...most, default: min(most, 100)) }

  /// The body may be left out.
  private func pairingRequest() async throws -> PairingRequest { hasBody ? try await request.decodeBody() : PairingRequest() }
  private func reloadRequest() async throws -> ReloadRequest { hasBody ? try await request.decodeBody() : ReloadRequest() }

  private var hasBody: Bool {
    switch request.announced {
    case .none, .bytes(0): false
    default: true
    }
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
