/// Makes DIDL-Lite for CurrentURIMetaData (ContentDirectory:1, 2.8; AVTransport:1, 2.2.26).
package enum DIDL {
  package static func item(title: String, mediaType: String, url: String, protocolInfo: ProtocolInfo, size: UInt64?) -> String {
    let sizeAttribute = size.map { " size=\"\($0)\"" } ?? ""
    return """
      <DIDL-Lite xmlns="urn:schemas-upnp-org:metadata-1-0/DIDL-Lite/" xmlns:dc="http://purl.org/dc/elements/1.1/" \
      xmlns:upnp="urn:schemas-upnp-org:metadata-1-0/upnp/"><item id="1" parentID="0" restricted="1">\
      <dc:title>\(escaped(title))</dc:title><upnp:class>\(upnpClass(of: mediaType))</upnp:class>\
      <res protocolInfo="\(escaped(protocolInfo.description))"\(sizeAttribute)>\(escaped(url))</res></item></DIDL-Lite>
      """
  }

  private static func upnpClass(of mediaType: String) -> String {
    switch mediaType.lowercased().prefix(while: { $0 != "/" }) {
    case "image": "object.item.imageItem.photo"
    case "audio": "object.item.audioItem.musicTrack"
    case "video": "object.item.videoItem.movie"
    default: "object.item"
    }
  }

  /// XML 1.0 text and attribute values: what can't stand in XML at all is left out.
  package static func escaped(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&apos;"
      case "\t", "\n", "\r": out.unicodeScalars.append(scalar)
      case _ where scalar.value < 32 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: break
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}
