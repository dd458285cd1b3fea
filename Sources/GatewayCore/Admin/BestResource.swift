import CPNSModel
import MediaProtocol

/// Which of an object's resources is forwarded: a picture comes in up to seven sizes, a film in several formats.
enum BestResource {
  /// Only what can be fetched and has a type. Of these: what the consumer takes, then what was not converted, then the
  /// largest, then the device's own order.
  static func of(_ resources: [MediaResource], for consumer: DeviceCapabilities) -> (MediaResource, String)? {
    let usable = resources.compactMap { resource in type(of: resource.protocolInfo).map { (resource, $0) } }
    return usable.enumerated().max { a, b in
      let (left, right) = (rank(a.element, consumer), rank(b.element, consumer))
      return left == right ? a.offset > b.offset : left < right
    }?.element
  }

  /// The media type; nil when it is not had over HTTP, or has no type.
  static func type(of protocolInfo: String) -> String? {
    ProtocolInfo.mediaTypes(in: [protocolInfo], limit: 1).first { !$0.contains("*") }
  }

  /// A title is for people and may hold anything; a name may be a file's.
  static func name(_ title: String) -> String {
    let plain = title.filter { character in character != "/" && character.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 } }
    let trimmed = plain.drop { $0 == " " || $0 == "." }.prefix(Limits.name)
    return trimmed.isEmpty ? "untitled" : String(trimmed)
  }

  /// Why it was this one, for people.
  static func why(_ chosen: MediaResource, _ type: String, among all: [MediaResource], for consumer: InventoryEntry) -> String {
    let usable = all.count { Self.type(of: $0.protocolInfo) != nil }
    let takes = consumer.capabilities.takes(type) ? "\(consumer.name) takes it" : "\(consumer.name) takes none of them that we know of"
    let original = chosen.protocolInfo.uppercased().contains("DLNA.ORG_CI=1") ? "it is converted" : "it is not converted"
    let size = chosen.size.map { ", \($0) bytes" } ?? ""
    let only = usable == 1 ? "the only variant that can be fetched" : "of \(usable) variants: \(takes), and \(original)"
    return "\(type)\(size) was chosen, \(only)"
  }

  private static func rank(_ candidate: (MediaResource, String), _ consumer: DeviceCapabilities) -> (Int, Int, UInt64) {
    let isConverted = candidate.0.protocolInfo.uppercased().contains("DLNA.ORG_CI=1")
    return (consumer.takes(candidate.1) ? 1 : 0, isConverted ? 0 : 1, candidate.0.size ?? 0)
  }
}
