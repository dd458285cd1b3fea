/// Unique Device Name of a UPnP device, without the `uuid:` prefix (UPnP Device Architecture 1.1, 2.3).
package struct UDN: Hashable, Sendable, Codable, CustomStringConvertible {
  package var value: String
  package init(_ value: String) { self.value = value }
  package var description: String { value }
}

/// One UPnP device as its description tells, with what it said it can take.
package struct MediaDevice: Hashable, Sendable, Codable {
  package enum Role: String, Sendable, Codable { case renderer, server, other }

  package var udn: UDN
  package var role: Role
  /// `urn:schemas-upnp-org:device:MediaRenderer:1`
  package var deviceType: String
  package var friendlyName: String
  package var manufacturer: String
  package var modelName: String
  /// The device's address literal.
  package var address: String
  /// The interface that it was found on, and our own address there.
  package var interface: String
  package var localAddress: String
  /// `GetProtocolInfo`: what it takes and what it gives. At most 512 each.
  package var sink: [String]
  package var source: [String]

  package init(
    udn: UDN, role: Role, deviceType: String, friendlyName: String, manufacturer: String, modelName: String,
    address: String, interface: String, localAddress: String, sink: [String], source: [String]
  ) {
    self.udn = udn
    self.role = role
    self.deviceType = deviceType
    self.friendlyName = friendlyName
    self.manufacturer = manufacturer
    self.modelName = modelName
    self.address = address
    self.interface = interface
    self.localAddress = localAddress
    self.sink = sink
    self.source = source
  }
}

package enum MediaDeviceEvent: Hashable, Sendable, Codable {
  /// It is there: new, back, or changed.
  case appeared(MediaDevice)
  case vanished(UDN, VanishReason)
  /// The renderer's AVTransport said so in an event.
  case transport(UDN, TransportState, uri: String?)
  /// A worker came or went; the devices keep their last known state meanwhile.
  case worker(interface: String, up: Bool, detail: String)
  /// Something on the LAN was refused: for the log and the health board.
  case refused(interface: String, what: String, why: String)
}

extension MediaDeviceEvent {
  /// Details of ``worker(interface:up:detail:)`` when we ended it ourselves, because its interface is not what it was.
  package static let interfaceIsGone = "the interface is gone"
  package static let interfaceHasAnotherAddress = "the interface has another address"
}

package enum VanishReason: String, Hashable, Sendable, Codable {
  case byebye
  case maxAge = "max-age"
  case probeFailed = "probe-failed"
}

/// AVTransport:1, 2.2.1.
package enum TransportState: String, Hashable, Sendable, Codable {
  case stopped = "STOPPED"
  case playing = "PLAYING"
  case transitioning = "TRANSITIONING"
  case paused = "PAUSED_PLAYBACK"
  case noMedia = "NO_MEDIA_PRESENT"
  /// A vendor's own.
  case other = "OTHER"
}

package enum MediaCommand: Hashable, Sendable, Codable {
  /// SetAVTransportURI and Play. `metadata` is DIDL-Lite.
  case play(uri: String, metadata: String)
  case stop
  case transportInfo
  case positionInfo
  /// ContentDirectory Browse of the children of `container` ("0" is the root). `count` 1 to 100.
  case browse(container: String, start: Int, count: Int)
  /// ContentDirectory Browse of one object's own metadata.
  case metadata(object: String)
}

package enum MediaReply: Hashable, Sendable, Codable {
  case done
  case transport(TransportState)
  case position(uri: String, relativeSeconds: Int?, durationSeconds: Int?)
  case objects([MediaObject], total: Int)
}

/// One object of a ContentDirectory (DIDL-Lite).
package struct MediaObject: Hashable, Sendable, Codable {
  package var id: String
  package var title: String
  /// `object.item.audioItem.musicTrack`, `object.container.album`…
  package var upnpClass: String
  package var isContainer: Bool
  package var resources: [MediaResource]

  package init(id: String, title: String, upnpClass: String, isContainer: Bool, resources: [MediaResource]) {
    self.id = id
    self.title = title
    self.upnpClass = upnpClass
    self.isContainer = isContainer
    self.resources = resources
  }
}

package struct MediaResource: Hashable, Sendable, Codable {
  /// `http-get:*:audio/mpeg:DLNA.ORG_PN=MP3`
  package var protocolInfo: String
  package var url: String
  package var size: UInt64?

  package init(protocolInfo: String, url: String, size: UInt64?) {
    self.protocolInfo = protocolInfo
    self.url = url
    self.size = size
  }
}

package enum MediaError: Error, Hashable, Sendable, Codable {
  /// No such device now.
  case unknownDevice
  /// It did not answer in time, or cannot be reached.
  case unreachable(String)
  /// It answered with a SOAP fault: UPnP error code and its text.
  case fault(code: Int, text: String)
  /// What it answered is not what the standard says, or broke a bound.
  case malformed(String)
  /// The worker is down or has too much to do: try again.
  case busy(String)
}
