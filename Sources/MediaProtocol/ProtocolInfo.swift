import CPNSModel

/// One entry of a ProtocolInfo list: `protocol:network:contentFormat:additionalInfo` (ConnectionManager:1, 2.5.2).
package struct ProtocolInfo: Hashable, Sendable, Codable, CustomStringConvertible {
  /// Most entries of one list that are looked at; the longest list we know has 291.
  package static let most = 512

  package var transport: String
  package var network: String
  /// A media type, or `*`.
  package var contentFormat: String
  /// `*`, or `DLNA.ORG_PN=…;DLNA.ORG_OP=…`.
  package var additionalInfo: String

  package init(transport: String = "http-get", network: String = "*", contentFormat: String, additionalInfo: String = "*") {
    self.transport = transport
    self.network = network
    self.contentFormat = contentFormat
    self.additionalInfo = additionalInfo
  }

  /// - Returns: nil unless there are four fields.
  package init?(parsing text: some StringProtocol) {
    let fields = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false).map { field in String(field).filter { $0 != " " } }
    guard fields.count == 4, !fields[2].isEmpty else { return nil }
    self.init(transport: fields[0], network: fields[1], contentFormat: fields[2], additionalInfo: fields[3])
  }

  package var description: String { "\(transport):\(network):\(contentFormat):\(additionalInfo)" }

  /// `type/subtype` in lower case, without parameters.
  package var mediaType: String { String(contentFormat.prefix { $0 != ";" }).lowercased() }

  /// Whether ``mediaType`` is one: two tokens (RFC 9110, 8.3.1) with a slash between, or `*`.
  private var hasMediaType: Bool {
    let type = mediaType
    if type == "*" { return true }
    let halves = type.split(separator: "/", omittingEmptySubsequences: false)
    return type.utf8.count <= 127 && halves.count == 2
      && halves.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { $0 > 32 && $0 < 127 && !"()<>@,;:\\\"[]?={}".utf8.contains($0) } }
  }

  /// The entries of a `Source` or `Sink` of GetProtocolInfo: a list with commas, and commas within an entry as `\,`.
  package static func list(_ text: String) -> [String] {
    var entries: [String] = []
    var entry = ""
    var isEscaped = false
    for character in text {
      switch character {
      case _ where isEscaped:
        entry.append(character)
        isEscaped = false
      case "\\": isEscaped = true
      case ",":
        if !entry.trimmed.isEmpty { entries.append(String(entry.trimmed)) }
        if entries.count == most { return entries }
        entry = ""
      default: entry.append(character)
      }
    }
    return entry.trimmed.isEmpty ? entries : entries + [String(entry.trimmed)]
  }

  /// The media types that a sink list takes over HTTP, each once, in the device's order.
  package static func mediaTypes(in sink: [String], limit: Int) -> [String] {
    var seen = Set<String>()
    var types: [String] = []
    for info in sink.lazy.compactMap({ ProtocolInfo(parsing: $0) }) where info.transport == "http-get" && info.hasMediaType {
      let type = info.mediaType == "*" ? "*/*" : info.mediaType
      if types.count < limit, seen.insert(type).inserted { types.append(type) }
    }
    return types
  }

  /// What we offer content as: byte ranges (OP=01), not converted (CI=0), and the flags of streaming or of pictures
  /// (DLNA Guidelines 7.4.1.3.24: connection stalling, background and streaming or interactive transfer, version 1.5).
  package static func offering(mediaType: String, sink: [String]) -> ProtocolInfo {
    let interactive = mediaType.lowercased().hasPrefix("image/")
    let mediaType = listedName(of: mediaType, in: sink)
    let flags = (interactive ? "00F00000" : "01700000") + String(repeating: "0", count: 24)
    let common = "DLNA.ORG_OP=01;DLNA.ORG_CI=0;DLNA.ORG_FLAGS=\(flags)"
    return ProtocolInfo(contentFormat: mediaType, additionalInfo: profile(of: mediaType, in: sink).map { "DLNA.ORG_PN=\($0);\(common)" } ?? common)
  }

  /// A format has several names, and a device knows the one that it lists.
  private static func listedName(of mediaType: String, in sink: [String]) -> String {
    let listed = Set(mediaTypes(in: sink, limit: most))
    let names = MediaTypes.names(of: mediaType)
    return listed.contains(mediaType.lowercased()) ? mediaType : names.first { listed.contains($0) } ?? mediaType
  }

  /// A profile is named only when the sink lists exactly one for the media type: a wrong one is worse than none.
  private static func profile(of mediaType: String, in sink: [String]) -> String? {
    let profiles = sink.lazy.compactMap { ProtocolInfo(parsing: $0) }.filter { $0.mediaType == mediaType.lowercased() }
      .compactMap { info in
        info.additionalInfo.split(separator: ";").first { $0.hasPrefix("DLNA.ORG_PN=") }.map { String($0.dropFirst(12)) }
      }
    let distinct = Set(profiles)
    return distinct.count == 1 ? distinct.first : nil
  }
}
