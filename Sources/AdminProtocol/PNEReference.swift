package import CPNSModel
package import FoundationEssentials

/// How people name a device: its whole id, the beginning of its UUID, or its exact name.
package enum PNEReference {
  /// Shorter beginnings are not taken: one letter is a slip more often than a name.
  package static let shortest = 3

  package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
    case unknown(String)
    /// With the ids and names that it may mean.
    case ambiguous(String, [String])

    package var description: String {
      switch self {
      case .unknown(let text): "there is no PNE \"\(text)\"; pngwctl pne list shows what there is"
      case .ambiguous(let text, let candidates): "\"\(text)\" may be \(candidates.joined(separator: " or ")); give more of the id"
      }
    }
  }

  /// An exact name wins over the beginning of an id; a name that two have is ambiguous.
  package static func resolve(_ text: String, in pnes: [PNEReply]) throws(Failure) -> PNEReply {
    if let id = EntityID(urn: text) {
      guard let pne = pnes.first(where: { $0.entityID == id }) else { throw .unknown(text) }
      return pne
    }
    let named = pnes.filter { $0.name == text }
    let found = named.isEmpty ? pnes.filter { isBeginning(text, of: $0.entityID.uuid) } : named
    switch found.count {
    case 0: throw .unknown(text)
    case 1: return found[0]
    default: throw .ambiguous(text, found.prefix(4).map { "\($0.entityID.urn.dropFirst(9)) (\($0.name))" })
    }
  }

  /// The shortest beginning of each UUID that none of the others has, at least 8 characters.
  package static func short(_ id: EntityID, among all: [EntityID]) -> String {
    let text = id.urn.dropFirst(9)
    for length in stride(from: 8, to: text.count, by: 1) where !all.contains(where: { $0 != id && $0.urn.dropFirst(9).hasPrefix(text.prefix(length)) }) {
      return String(text.prefix(length))
    }
    return String(text)
  }

  /// - Parameter text: with or without `urn:uuid:`, in either case.
  package static func isBeginning(_ text: String, of id: UUID) -> Bool {
    let bare = text.lowercased().hasPrefix("urn:uuid:") ? text.dropFirst(9) : text[...]
    return bare.count >= shortest && id.uuidString.lowercased().hasPrefix(bare.lowercased())
  }
}
