/// Makes DIDL-Lite for CurrentURIMetaData (ContentDirectory:1, 2.8; AVTransport:1, 2.2.26).
package enum DIDL {
  package static func item(title: String, mediaType: String, url: String, protocolInfo: ProtocolInfo, size: UInt64?) -> String {
    let sizeAttribute = size.map { " size=\"\($0)\"" } ?? ""
    return """
      <DIDL-Lite xmlns="urn:schemas-upnp-org:metadata-1-0/DIDL-Lite/" xmlns:dc="http://purl.org/dc/elements/1.1/" \
      xmlns:upnp="urn:schemas-upnp-org:metadata-1-0/upnp/"><item id="1" parentID="0" restricted="1">\
      <dc:title>\(title.xmlEscaped)</dc:title><upnp:class>\(upnpClass(of: mediaType))</upnp:class>\
      <res protocolInfo="\(protocolInfo.description.xmlEscaped)"\(sizeAttribute)>\(url.xmlEscaped)</res></item></DIDL-Lite>
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
}
