package import CPNSModel

/// `POST /v1/contents`: a content that is staged, to be named in a delivery.
package struct ContentReply: Sendable, Hashable, Codable {
  package var contentID: ContentID
  package var name: String
  package var mediaType: String
  /// In bytes; nil when it is not known before the end.
  package var size: UInt64?
  /// 64 hexadecimal digits; nil when it is not known.
  package var sha256: String?

  private enum CodingKeys: String, CodingKey {
    case name, size, sha256
    case contentID = "content_id"
    case mediaType = "media_type"
  }

  package init(_ content: ContentDescription) {
    contentID = content.id
    name = content.name
    mediaType = content.mediaType
    size = content.size
    sha256 = content.sha256.map(Hexadecimal.text)
  }
}

enum Hexadecimal {
  static func text(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

/// `GET /v1/pnes/{id}/objects`: one page of a media server's container.
package struct ObjectsReply: Sendable, Hashable, Codable {
  package struct Object: Sendable, Hashable, Codable {
    package var id: String
    package var title: String
    /// UPnP's: `object.item.audioItem.musicTrack`, `object.container.album`…
    package var upnpClass: String
    package var isContainer: Bool
    package var resources: [Resource]

    private enum CodingKeys: String, CodingKey {
      case id, title, resources
      case upnpClass = "class"
      case isContainer = "is_container"
    }

    package init(id: String, title: String, upnpClass: String, isContainer: Bool, resources: [Resource]) {
      self.id = id
      self.title = title
      self.upnpClass = upnpClass
      self.isContainer = isContainer
      self.resources = resources
    }
  }

  package struct Resource: Sendable, Hashable, Codable {
    package var mediaType: String?
    package var protocolInfo: String
    package var url: String
    package var size: UInt64?

    private enum CodingKeys: String, CodingKey {
      case url, size
      case mediaType = "media_type"
      case protocolInfo = "protocol_info"
    }

    package init(mediaType: String?, protocolInfo: String, url: String, size: UInt64?) {
      self.mediaType = mediaType
      self.protocolInfo = protocolInfo
      self.url = url
      self.size = size
    }
  }

  package var container: String
  package var start: Int
  /// In the container, as the device says.
  package var total: Int
  package var objects: [Object]

  package init(container: String, start: Int, total: Int, objects: [Object]) {
    self.container = container
    self.start = start
    self.total = total
    self.objects = objects
  }
}
