import CPNSMessages
import CPNSModel
import CPNSSession
import Logging

/// What gateways say of their Personal Networks (docs/protocol.md, "Inventory sync").
struct InventoryDesk: Sendable {
  /// A gateway has one link; only its last one and the one before may be at it together.
  private static let tries = 3

  let store: any ServerStore
  let logger: Logger

  func apply(_ message: Cpns_V1_InventoryChanges, from gateway: GatewayRecord) async -> Reply {
    if let refusal = refusal(of: message.pnID, message.entries.count, from: gateway) { return refusal }
    guard message.revision > message.baseRevision, message.revision <= UInt64(Int64.max) else {
      return .status(.malformed, "InventoryChanges.revision: expected above base_revision and below 2^63")
    }
    let operations: [ServerOperation]
    do throws(MessageError) { operations = try Self.operations(message.entries, gateway.pn) } catch { return .malformed(error) }
    return await decide(gateway) { network in
      // Seen before: the answer was lost.
      if message.revision <= network.revision { return .known }
      return message.baseRevision == network.revision ? .change(to: message.revision, name: nil, operations) : .behind
    }
  }

  func replace(_ message: Cpns_V1_InventorySnapshot, from gateway: GatewayRecord) async -> Reply {
    if let refusal = refusal(of: message.pnID, message.entries.count, from: gateway) { return refusal }
    guard message.revision <= UInt64(Int64.max), message.name.isEmpty || Text.isName(message.name, upTo: Limits.name) else {
      return .status(.malformed, "InventorySnapshot: expected a revision below 2^63 and a name of at most \(Limits.name) printable characters")
    }
    let entries: [InventoryEntry]
    do throws(MessageError) {
      entries = try message.entries.map { (entry) throws(MessageError) in try InventoryEntry(checking: entry) }
    } catch { return .malformed(error) }
    let operations = [.keepEntries(Set(entries.map(\.id)), gateway.pn)] + entries.map { ServerOperation.putEntry($0, gateway.pn) }
    return await decide(gateway) { network in
      if message.revision == network.revision { return .known }
      return message.revision > network.revision ? .change(to: message.revision, name: message.name, operations) : .behind
    }
  }

  // MARK: Inside

  private enum Decision {
    /// Nothing is to be done.
    case known
    /// It does not fit what we have: the whole inventory is needed.
    case behind
    case change(to: UInt64, name: String?, [ServerOperation])
  }

  private func refusal(of pn: String, _ count: Int, from gateway: GatewayRecord) -> Reply? {
    guard pn == gateway.pn.urn else { return .status(.forbidden, "pn_id: this gateway serves \(gateway.pn)") }
    return count <= Limits.devices ? nil : .status(.tooLarge, "entries: \(count) of them, at most \(Limits.devices) are taken")
  }

  private static func operations(_ entries: [Cpns_V1_InventoryEntry], _ pn: PNID) throws(MessageError) -> [ServerOperation] {
    var operations: [ServerOperation] = []
    for entry in entries {
      if !entry.removed {
        operations.append(.putEntry(try InventoryEntry(checking: entry), pn))
      } else if let id = EntityID(urn: entry.entityID) {
        operations.append(.removeEntry(id, pn))
      } else {
        throw MessageError("InventoryEntry.entity_id", "expected urn:uuid:… and a UUID")
      }
    }
    return operations
  }

  private func decide(_ gateway: GatewayRecord, _ rule: (NetworkRecord) -> Decision) async -> Reply {
    do throws(ServerStoreError) {
      for _ in 1...Self.tries {
        guard let network = try await store.network(gateway.pn) else { return .status(.notFound, "there is no PN \(gateway.pn)") }
        switch rule(network) {
        case .known: return Self.result(network.revision, needsSnapshot: false)
        case .behind:
          logger.info("inventory asked for", metadata: ["pn": "\(gateway.pn)", "revision": "\(network.revision)"])
          return Self.result(network.revision, needsSnapshot: true)
        case .change(let revision, let name, let operations):
          if let reply = try await write(revision, name, operations, over: network) { return reply }
        }
      }
      return .status(.busy, "the inventory is being changed by another link of this gateway")
    } catch {
      logger.error("inventory not written", metadata: ["pn": "\(gateway.pn)", "error": "\(error.words)"])
      return .status(.busy, "the server can't write now")
    }
  }

  /// - Returns: nil when the inventory was changed meanwhile.
  private func write(
    _ revision: UInt64, _ name: String?, _ operations: [ServerOperation], over network: NetworkRecord
  ) async throws(ServerStoreError) -> Reply? {
    var changed = network
    changed.revision = revision
    if let name, !name.isEmpty, !network.isNamedHere { changed.name = name }
    let frame: (ServerOperation, ServerOperation) = (
      .require(.revision(network.id, network.revision)), .require(.devices(of: network.id, atMost: Limits.devices))
    )
    do throws(ServerStoreError) {
      try await store.commit([frame.0, .putNetwork(changed)] + operations + [frame.1])
      return Self.result(revision, needsSnapshot: false)
    } catch .unmet(.devices) {
      return .status(.tooLarge, "a PN has at most \(Limits.devices) devices")
    } catch .unmet {
      return nil
    }
  }

  private static func result(_ revision: UInt64, needsSnapshot: Bool) -> Reply {
    var result = Cpns_V1_InventoryResult()
    result.revision = revision
    result.needsSnapshot = needsSnapshot
    return .message(.inventoryResult, result)
  }
}
