package import AdminProtocol
import CPNSModel
import MediaProtocol

/// The devices of the PN Inventory, and what media servers among them have.
extension Administration {
  package func pnes() async -> PNEListReply {
    PNEListReply(pnes: await gateway.inventory.all.map(reply))
  }

  package func pne(_ text: String) async throws(AdminFailure) -> PNEReply { reply(try await entry(text)) }

  /// Removes a PNE for good. A device behind the proxy comes back when it is switched on again.
  package func remove(_ text: String) async throws(AdminFailure) -> RemovalReply {
    let entry = try await entry(text)
    if await gateway.proxy?.device(entry.id) != nil {
      throw AdminFailure(.conflict, "\(entry.name) is on the LAN now and would come back at once", remedy: "switch it off, and remove it when it is offline")
    }
    do throws(StoreError) { try await gateway.elements.remove(entry.id) } catch { throw AdminFailure(error) }
    return RemovalReply(removed: entry.id, name: entry.name)
  }

  package func browse(_ text: String, _ request: BrowseRequest) async throws(AdminFailure) -> ObjectsReply {
    let entry = try await entry(text)
    let reply = try await ask(.browse(container: request.container, start: request.start, count: request.count), of: entry)
    guard case .objects(let objects, let total) = reply else { throw AdminFailure(.refused, "\(entry.name) did not answer with a listing", remedy: "try another container") }
    return ObjectsReply(container: request.container, start: request.start, total: total, objects: objects.map(ObjectsReply.Object.init))
  }

  // MARK: Inside

  func entry(_ text: String) async throws(AdminFailure) -> InventoryEntry {
    guard let id = EntityID(urn: text) else {
      throw AdminFailure(.badRequest, "\"\(text.prefix(80))\" is no id of a PNE", remedy: "give its urn:uuid:…, as /v1/pnes lists it")
    }
    guard let entry = await gateway.inventory.entry(id) else {
      throw AdminFailure(.notFound, "there is no PNE \(id)", remedy: "look at /v1/pnes for what there is")
    }
    return entry
  }

  /// Asks a media server.
  func ask(_ command: MediaCommand, of entry: InventoryEntry) async throws(AdminFailure) -> MediaReply {
    guard entry.services.contains(where: { $0.type == "media-library" }) else {
      throw AdminFailure(.conflict, "\(entry.name) has no media library", remedy: "choose a PNE whose services have media-library")
    }
    guard let proxy = gateway.proxy else {
      throw AdminFailure(.conflict, "the Non-CPNS Proxy is switched off", remedy: "set proxy.enabled = true in pngw.toml and restart pngwd")
    }
    do throws(MediaError) { return try await proxy.perform(command, on: entry.id) } catch { throw AdminFailure(error, device: entry.name) }
  }

  private func reply(_ entry: InventoryEntry) -> PNEReply {
    PNEReply(entry, paired: entry.kind == .pne ? gateway.elements.keys.isPaired(entry.id) : nil)
  }
}

extension ObjectsReply.Object {
  init(_ object: MediaObject) {
    self.init(
      id: object.id, title: object.title, upnpClass: object.upnpClass, isContainer: object.isContainer,
      resources: object.resources.map { resource in
        ObjectsReply.Resource(
          mediaType: ProtocolInfo(parsing: resource.protocolInfo)?.mediaType, protocolInfo: resource.protocolInfo, url: resource.url,
          size: resource.size)
      })
  }
}
