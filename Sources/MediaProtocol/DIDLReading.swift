/// Reads DIDL-Lite, as a ContentDirectory lists its objects (ContentDirectory:1, 2.8 and Appendix A).
extension DIDL {
  /// Objects in one page; more than we ask for are not looked at.
  package static let mostObjects = 100
  /// A picture comes in up to 7 sizes.
  package static let mostResources = 16
  /// An object's id, title or class in characters: longer ones are cut, a longer id is left out, since cut it would be another's.
  package static let longestText = 256
  package static let longestID = 512

  /// - Throws: `.malformed` when the root is not DIDL-Lite; objects without an id are left out.
  package static func objects(_ root: XMLElement) throws(MediaError) -> [MediaObject] {
    guard root.name == "DIDL-Lite" else { throw .malformed("the listing is <\(root.name.prefix(40))> and not DIDL-Lite") }
    return root.children.prefix(mostObjects).compactMap(object)
  }

  private static func object(_ element: XMLElement) -> MediaObject? {
    guard element.name == "item" || element.name == "container" else { return nil }
    guard let id = element.attributes["id"], !id.isEmpty, id.count <= longestID else { return nil }
    return MediaObject(
      id: id, title: String((element.value("title") ?? "").prefix(longestText)), upnpClass: String((element.value("class") ?? "").prefix(longestText)),
      isContainer: element.name == "container", resources: element.all("res").prefix(mostResources).compactMap(resource))
  }

  private static func resource(_ element: XMLElement) -> MediaResource? {
    let url = element.trimmedText
    guard let info = element.attributes["protocolInfo"], !url.isEmpty, url.utf8.count <= LANURL.longest else { return nil }
    return MediaResource(protocolInfo: info, url: url, size: element.attributes["size"].flatMap { UInt64($0) })
  }
}
