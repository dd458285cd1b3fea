import CPNSMessages
import CPNSModel
import CPNSSession
import Logging

/// What PNEs are told, through their gateways, of the PN Inventories that the server keeps (AD 5.6.9), and how they reach each other.
///
/// A PNE sees the Personal Network that it is in, and no other.
struct DirectoryDesk: Sendable {
  let server: EntityID
  let store: any ServerStore
  let links: GatewayLinks
  let logger: Logger

  func inventory(_ query: Cpns_V1_InventoryQuery, asked by: String) async -> Reply {
    guard query.limit <= Limits.devices else { return .status(.malformed, "InventoryQuery.limit: expected at most \(Limits.devices)") }
    do throws(ServerStoreError) {
      guard let pn = try await home(of: by), query.pnID.isEmpty || query.pnID == pn.urn, let network = try await store.network(pn) else {
        return .status(.notFound, "InventoryQuery.pn_id: no such PN that you are in")
      }
      let page = InventoryPage(of: try await store.entries(of: pn), after: query.after, limit: Int(query.limit))
      return .message(.inventory, Cpns_V1_Inventory(pn: pn, name: network.name, revision: network.revision, page))
    } catch { return unreadable(error) }
  }

  func status(_ query: Cpns_V1_StatusQuery, asked by: String) async -> Reply {
    if query.entityID.isEmpty || query.entityID == server.urn {
      var answer = Cpns_V1_StatusAnswer()
      answer.status.entityID = server.urn
      answer.status.availability = .online
      answer.status.reason = "running"
      return .message(.statusAnswer, answer)
    }
    return await answer(query.entityID, by) { entry in
      var answer = Cpns_V1_StatusAnswer()
      answer.status = Cpns_V1_EntityStatus(entry)
      return .message(.statusAnswer, answer)
    }
  }

  func capabilities(_ query: Cpns_V1_CapabilitiesQuery, asked by: String) async -> Reply {
    await answer(query.entityID, by) { entry in
      var answer = Cpns_V1_CapabilitiesAnswer()
      answer.capabilities = Cpns_V1_DeviceCapabilities(entry.capabilities)
      return .message(.capabilitiesAnswer, answer)
    }
  }

  /// nil when it is not in that PN, or the disk can't say.
  func member(_ entity: EntityID, of pn: PNID) async -> InventoryEntry? {
    do throws(ServerStoreError) { return try await store.places(of: entity).first { $0.pn == pn }?.entry } catch {
      logger.error("inventory can't be read", metadata: ["error": "\(error.words)"])
      return nil
    }
  }

  /// To another gateway of the same PN.
  func way(to target: EntityID, from pn: PNID) async -> Session? {
    do throws(ServerStoreError) {
      guard let place = try await store.places(of: target).first(where: { $0.pn == pn }) else { return nil }
      return links.session(of: place.gateway)
    } catch { return nil }  // it can't be reached now; the disk's trouble is told where it is written
  }

  private func answer(_ urn: String, _ asker: String, _ reply: (InventoryEntry) -> Reply) async -> Reply {
    do throws(ServerStoreError) {
      guard let pn = try await home(of: asker), let id = EntityID(urn: urn), let entry = await member(id, of: pn) else {
        return .status(.notFound, "entity_id: no such entity is in your PN")
      }
      return reply(entry)
    } catch { return unreadable(error) }
  }

  private func home(of asker: String) async throws(ServerStoreError) -> PNID? {
    guard let id = EntityID(urn: asker) else { return nil }
    return try await store.places(of: id).first?.pn
  }

  private func unreadable(_ error: ServerStoreError) -> Reply {
    logger.error("inventory can't be read", metadata: ["error": "\(error.words)"])
    return .status(.busy, "the server can't read now")
  }
}
