package import CPNSModel
import Logging

// What applications may change (CPNS-4), and the person who runs the server.

/// What an application says of a service that it publishes.
package struct ServiceDraft: Sendable, Equatable {
  package var name: String
  package var type: String
  package var keywords: [String]
  package var requiredMediaTypes: [String]

  package init(name: String, type: String, keywords: [String], requiredMediaTypes: [String]) {
    self.name = name
    self.type = type
    self.keywords = keywords
    self.requiredMediaTypes = requiredMediaTypes
  }
}

extension Server {
  // MARK: Services

  package func publish(_ draft: ServiceDraft) async throws(ServerFailure) -> ServiceRecord {
    let service = ServiceRecord(
      description: ServiceDescription(
        id: .random(), name: try Self.name(draft.name, "name"), type: try Self.name(draft.type, "service_type"),
        keywords: try Self.list(draft.keywords, "keywords", atMost: 32, "1 to 64 printable characters") { Text.isName($0, upTo: 64) }.map { $0.lowercased() }, offeredBy: id,
        requiredMediaTypes: try Self.list(draft.requiredMediaTypes, "required_media_types", atMost: 64, "type/subtype", Text.isMediaType)),
      pn: nil)
    try await commit([.require(.services(below: ServerBounds.services)), .putService(service)])
    return service
  }

  package func removeService(_ id: ServiceID) async throws(ServerFailure) {
    let service = try await service(id)
    guard service.pn == nil else {
      throw .conflict("the service belongs to the PNE \(service.description.offeredBy)", remedy: "delete services that were published here")
    }
    try await commit([.removeService(id)])
  }

  // MARK: Contents

  /// Begins to take a content. Nothing of it is kept before ``ContentUpload/finish()``.
  /// - Parameter size: in bytes, when it is known.
  package func receive(name: String, mediaType: String, size: UInt64?) async throws(ServerFailure) -> ContentUpload {
    let name = try Self.name(name, "name")
    guard !name.contains("/") else { throw .invalid(field: "name", problem: "must not contain \"/\"") }
    guard Text.isMediaType(mediaType), !mediaType.contains("*") else {
      throw .invalid(field: "Content-Type", problem: "expected type/subtype, as in video/mp4")
    }
    do throws(ContentKeepingError) {
      return ContentUpload(server: self, name: name, mediaType: mediaType, arriving: try await ports.contents.receive(size: size))
    } catch {
      throw ServerFailure(error)
    }
  }

  /// Its deliveries stay in the list.
  package func removeContent(_ id: ContentID) async throws(ServerFailure) {
    _ = try await content(id)
    try await commit([.require(.contentUnused(id)), .removeContent(id)])
    await ports.contents.remove(id)
    logger.info("content removed", metadata: ["content": "\(id)"])
  }

  // MARK: Deliveries

  /// On disk when it returns; its gateway is told as soon as it can be.
  package func deliver(_ content: ContentID, to consumer: EntityID) async throws(ServerFailure) -> DeliveryReport {
    let content = try await self.content(content)
    let place = try await entry(consumer)
    guard place.entry.kind != .pnGateway else { throw .invalid(field: "consumer", problem: "expected a PNE; this is a PN GW") }
    do throws(ServerStoreError) { return report(try await deliveries.make(content, for: place, offeredBy: id)) } catch { throw ServerFailure(error) }
  }

  // MARK: Inside

  func commit(_ operations: [ServerOperation]) async throws(ServerFailure) {
    do throws(ServerStoreError) { try await ports.store.commit(operations) } catch { throw ServerFailure(error) }
  }

  private static func name(_ text: String, _ field: String) throws(ServerFailure) -> String {
    guard Text.isName(text, upTo: Limits.name) else { throw .invalid(field: field, problem: "expected 1 to \(Limits.name) printable characters") }
    return text
  }

  private static func list(
    _ list: [String], _ field: String, atMost limit: Int, _ expected: String, _ isFit: (String) -> Bool
  ) throws(ServerFailure) -> [String] {
    guard list.count <= limit else { throw .invalid(field: field, problem: "\(list.count) elements, at most \(limit) are taken") }
    if let wrong = list.firstIndex(where: { !isFit($0) }) { throw .invalid(field: "\(field)[\(wrong)]", problem: "expected \(expected)") }
    return list
  }
}
