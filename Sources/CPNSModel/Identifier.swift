package import FoundationEssentials

/// A name that never changes: `urn:uuid:…` (RFC 9562), told apart by what it names.
///
/// A device's address or UPnP UDN is an attribute of it, never its identifier.
package struct Identifier<Named>: Hashable, Sendable, Codable, CustomStringConvertible {
  package let uuid: UUID

  package init(uuid: UUID) { self.uuid = uuid }

  /// A fresh random identifier.
  package static func random() -> Self { Self(uuid: UUID()) }

  /// - Returns: nil unless `urn` is `urn:uuid:` and a UUID; the prefix may have either case.
  package init?(urn: some StringProtocol) {
    guard urn.count == 45, urn.prefix(9).lowercased() == "urn:uuid:", let uuid = UUID(uuidString: String(urn.dropFirst(9)))
    else { return nil }
    self.uuid = uuid
  }

  package var urn: String { "urn:uuid:" + uuid.uuidString.lowercased() }
  package var description: String { urn }

  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let parsed = Self(urn: text) else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "expected urn:uuid:…"))
    }
    self = parsed
  }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(urn)
  }
}

package enum NamesEntity {}
package enum NamesPN {}
package enum NamesService {}
package enum NamesContent {}
package enum NamesDelivery {}
package enum NamesUsage {}
package enum NamesEffect {}

/// A CPNS Server, PN GW or PNE (AD 5.3.1).
package typealias EntityID = Identifier<NamesEntity>
/// A Personal Network.
package typealias PNID = Identifier<NamesPN>
package typealias ServiceID = Identifier<NamesService>
package typealias ContentID = Identifier<NamesContent>
package typealias DeliveryID = Identifier<NamesDelivery>
package typealias UsageID = Identifier<NamesUsage>
/// Stands for one change of state, however often its message is sent.
package typealias IdempotencyID = Identifier<NamesEffect>
