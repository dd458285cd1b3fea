package import CPNSMessages
package import CPNSModel
import CPNSSession
import SwiftProtobuf

/// What a PNE sees of its Personal Network (AD 5.6.1, 5.6.2, 5.6.9), asked over the link that it has at that moment.
///
/// Nothing is kept here: each call is a request, answered within 10 s, and may be made from any task.
package struct PersonalNetworkView: Sendable {
  /// Who keeps the inventory that is asked for.
  package enum Keeper: Sendable { case gateway, server }

  let link: LiveLink

  /// The whole PN Inventory.
  /// - Throws: ``AskingError``; `.refused` with `NOT_FOUND` when this PNE is in no PN there.
  package func inventory(of keeper: Keeper = .gateway) async throws(AskingError) -> [InventoryEntry] {
    var query = Cpns_V1_InventoryQuery()
    var entries: [InventoryEntry] = []
    let target = keeper == .server ? try server() : nil
    while true {
      let page: Cpns_V1_Inventory = try await ask(.inventoryQuery, query.bytes, of: target, answeredWith: .inventory)
      for entry in page.entries {
        do { entries.append(try InventoryEntry(checking: entry)) } catch { throw .malformed(error.description) }
      }
      // A keeper that always has more would keep us asking for ever.
      guard page.more, entries.count < Limits.devices, let last = page.entries.last else { return entries }
      query.after = last.entityID
    }
  }

  /// How `entity` is now, as it says itself; nil: as the gateway is.
  package func status(of entity: EntityID?) async throws(AskingError) -> (availability: Availability, reason: String) {
    let answer: Cpns_V1_StatusAnswer = try await ask(.statusQuery, Cpns_V1_StatusQuery().bytes, of: entity, answeredWith: .statusAnswer)
    do { return (try Availability(checking: answer.status.availability), String(answer.status.reason.prefix(64))) } catch { throw .malformed(error.description) }
  }

  /// What `entity` can do, as it says itself now.
  package func capabilities(of entity: EntityID) async throws(AskingError) -> DeviceCapabilities {
    let answer: Cpns_V1_CapabilitiesAnswer = try await ask(
      .capabilitiesQuery, Cpns_V1_CapabilitiesQuery().bytes, of: entity, answeredWith: .capabilitiesAnswer)
    do { return try DeviceCapabilities(checking: answer.capabilities) } catch { throw .malformed(error.description) }
  }

  // MARK: Inside

  private func server() throws(AskingError) -> EntityID {
    guard let linked = link.now else { throw .notLinked }
    guard let server = linked.server else { throw .refused(.unreachable, "the gateway is enrolled with no CPNS Server") }
    return server
  }

  private func ask<Answer: Message>(_ kind: Cpns_V1_Kind, _ body: [UInt8], of target: EntityID?, answeredWith expected: Cpns_V1_Kind) async throws(AskingError) -> Answer {
    guard let session = link.now?.session else { throw .notLinked }
    let answer: Cpns_V1_Envelope
    do { answer = try await session.request(kind, body, target: target) } catch { throw AskingError(error) }
    guard answer.kind == expected else { throw .malformed("the answer is not what was asked for") }
    do { return try answer.decoded() } catch { throw .malformed(error.description) }
  }
}

/// Why there is no answer.
package enum AskingError: Error, Equatable, Sendable {
  /// There is no link with the gateway now: try again when there is.
  case notLinked
  /// The link was lost, or the answer did not come in time: try again.
  case unanswered(String)
  /// It said no. docs/protocol.md tells whether the code may be tried again.
  case refused(Cpns_V1_Code, String)
  /// The answer is not what the protocol says.
  case malformed(String)

  init(_ error: SessionError) {
    self =
      switch error {
      case .refused(let code, let detail): .refused(code, detail)
      case .lost, .timedOut, .busy: .unanswered(error.words)
      case .malformed(let text): .malformed(text)
      }
  }
}
