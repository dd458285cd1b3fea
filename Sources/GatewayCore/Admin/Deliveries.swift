package import AdminProtocol
import CPNSModel
import CPNSMessages
import CPNSSession
import MediaProtocol

/// Content that an administrator sends, and how all deliveries go.
extension Administration {
  // MARK: Staging

  /// Takes a content in as it comes.
  /// - Parameters:
  ///   - size: when it is known before.
  ///   - bytes: piece by piece; a slow disk slows who sends.
  /// - Throws: what `bytes` throws, and ``AdminFailure``.
  package func stage(
    name: String, mediaType: String, size: UInt64?, from bytes: some AsyncSequence<[UInt8], any Error> & Sendable
  ) async throws -> ContentReply {
    let content = ContentDescription(
      id: .random(), name: try Self.checked(name: name), mediaType: try Self.checked(mediaType: mediaType), size: size, sha256: nil)
    do { return ContentReply(try await contents.stage(content, from: bytes)) } catch let error as StageError { throw AdminFailure(error) }
  }

  /// As a PNE may keep it as a file: what a name must be stands in docs/protocol.md.
  private static func checked(name: String) throws(AdminFailure) -> String {
    guard (1...Limits.name).contains(name.count), !name.contains("/"), name != ".", name != "..",
      name.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
    else {
      throw AdminFailure(
        .badRequest, "the content has no name that a file could have",
        remedy: "give name=… of 1 to \(Limits.name) characters, without \"/\" and control characters")
    }
    return name
  }

  private static func checked(mediaType: String) throws(AdminFailure) -> String {
    let type = mediaType.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
    guard BestResource.type(of: ProtocolInfo(contentFormat: type).description) == type else {
      throw AdminFailure(.badRequest, "\"\(mediaType.prefix(80))\" is no media type", remedy: "give Content-Type: type/subtype, as video/mp4")
    }
    return type
  }

  // MARK: Sending

  package func deliver(_ request: DeliveryRequest) async throws(AdminFailure) -> DeliveryReply {
    let consumer = try await entry(request.consumer.urn)
    switch request.source {
    case .staged(let content): return try await push(content, to: consumer)
    case .object(let object, let server): return try await forward(object, of: try await entry(server.urn), to: consumer)
    }
  }

  private func push(_ id: ContentID, to consumer: InventoryEntry) async throws(AdminFailure) -> DeliveryReply {
    let staged: (ContentDescription, any StagedContent)?
    do throws(StageError) { staged = try await contents.take(id) } catch { throw AdminFailure(error) }
    guard let (content, stage) = staged else {
      throw AdminFailure(.notFound, "there is no staged content \(id)", remedy: "send it to /v1/contents first; one that waits long makes room for others")
    }
    let order = DeliveryOrder(id: .random(), content: content, consumer: consumer.id, offeredBy: gateway.id)
    return try await accept(order, from: .staged, holding: stage)
  }

  /// AD 5.6.10 the other way round: content of a Non-CPNS device for a PNE.
  private func forward(_ object: String, of server: InventoryEntry, to consumer: InventoryEntry) async throws(AdminFailure) -> DeliveryReply {
    let reply = try await ask(.metadata(object: object), of: server)
    guard case .objects(let objects, _) = reply, let found = objects.first else {
      throw AdminFailure(.notFound, "\(server.name) has no object \"\(object.prefix(80))\"", remedy: "browse it for what there is")
    }
    guard !found.isContainer else { throw AdminFailure(.conflict, "\"\(found.title)\" is a container", remedy: "browse it and choose an object in it") }
    guard let (resource, type) = BestResource.of(found.resources, for: consumer.capabilities) else {
      throw AdminFailure(.conflict, "\"\(found.title)\" can't be had over HTTP with a known media type", remedy: "choose another object")
    }
    let content = ContentDescription(
      id: .random(), name: BestResource.name(found.title), mediaType: type, size: resource.size, sha256: nil)
    let order = DeliveryOrder(id: .random(), content: content, consumer: consumer.id, offeredBy: server.id)
    let delivery = try await accept(order, from: .mediaServer(element: server.id, url: resource.url), holding: nil)
    gateway.journal.tell(.variantChosen, BestResource.why(resource, type, among: found.resources, for: consumer), ["delivery": order.id.urn, "type": type])
    return delivery
  }

  private func accept(_ order: DeliveryOrder, from source: ContentSource, holding stage: (any StagedContent)?) async throws(AdminFailure) -> DeliveryReply {
    switch await gateway.deliveries.accept(order, from: source, holding: stage) {
    case .accepted: return try await delivery(order.id.urn)
    case .refused(.notFound, let why): throw AdminFailure(.notFound, why, remedy: "look at /v1/pnes for what there is")
    case .refused(_, let why): throw AdminFailure(.busy, why, remedy: "try again when some have ended")
    }
  }

  // MARK: Looking

  /// - Parameter limit: of those that have ended.
  package func deliveries(limit: Int) async throws(AdminFailure) -> DeliveryListReply {
    let ended: [DeliveryRecord]
    do { ended = try await gateway.deliveries.ended(limit: limit) } catch { throw AdminFailure(error) }
    var replies: [DeliveryReply] = []
    for live in await gateway.deliveries.allLive.reversed() { replies.append(await reply(live.record, bytes: live.bytes)) }
    for record in ended { replies.append(await reply(record, bytes: nil)) }
    return DeliveryListReply(deliveries: replies)
  }

  package func delivery(_ text: String) async throws(AdminFailure) -> DeliveryReply {
    let record = try await deliveryRecord(text)
    return await reply(record, bytes: await gateway.deliveries.progressBytes(record.order.id))
  }

  func deliveryRecord(_ text: String) async throws(AdminFailure) -> DeliveryRecord {
    guard let id = DeliveryID(urn: text) else {
      throw AdminFailure(.badRequest, "\"\(text.prefix(80))\" is no id of a delivery", remedy: "give its urn:uuid:…, as /v1/deliveries lists it")
    }
    guard let record = await gateway.deliveries.delivery(id) else {
      throw AdminFailure(.notFound, "there is no delivery \(id)", remedy: "look at /v1/deliveries; those that ended are kept for 30 days")
    }
    return record
  }

  private func reply(_ record: DeliveryRecord, bytes: UInt64?) async -> DeliveryReply {
    let source: DeliveryReply.Source =
      switch record.source {
      case .server: .server
      case .mediaServer: .mediaServer
      case .staged: .administrator
      }
    var reply = DeliveryReply(
      order: record.order, consumerName: await gateway.inventory.entry(record.order.consumer)?.name, source: source, state: record.state,
      attempts: record.attempts, accepted: UTCTime(record.accepted))
    reply.bytes = bytes
    if let ending = record.ending { reply.end(ending.outcome, at: UTCTime(ending.at)) }
    return reply
  }
}
