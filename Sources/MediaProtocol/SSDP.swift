/// Simple Service Discovery Protocol (UPnP Device Architecture 1.1, 1).
package enum SSDP {
  package static let group = IPAddress(239, 255, 255, 250)
  package static let port: UInt16 = 1900
  /// Devices of all later versions answer to version 1 as well (1.3.2).
  package static let targets = ["urn:schemas-upnp-org:device:MediaRenderer:1", "urn:schemas-upnp-org:device:MediaServer:1"]

  /// - Parameter mx: seconds over which devices spread their answers, 1 to 5.
  package static func search(_ target: String, mx: Int) -> [UInt8] {
    Array("M-SEARCH * HTTP/1.1\r\nHOST: \(group):\(port)\r\nMAN: \"ssdp:discover\"\r\nMX: \(mx)\r\nST: \(target)\r\nUSER-AGENT: Linux UPnP/1.1 pngw\r\n\r\n".utf8)
  }
}

/// A device says that it is there: in an answer to a search, or by itself.
package struct SSDPNotice: Hashable, Sendable {
  package var udn: UDN
  package var location: LANURL
  /// Seconds that the notice holds, within ``maxAgeBounds``.
  package var maxAge: Int

  /// Shorter ones would make us probe all the time, longer ones would show a dead device for days.
  package static let maxAgeBounds = 5...86_400
  /// UPnP Device Architecture 1.1, 1.2.2.
  package static let usualMaxAge = 1800

  package init(udn: UDN, location: LANURL, maxAge: Int?) {
    self.udn = udn
    self.location = location
    let age = maxAge ?? Self.usualMaxAge
    self.maxAge = min(max(age, Self.maxAgeBounds.lowerBound), Self.maxAgeBounds.upperBound)
  }

  /// Whether a notification or search type is about a device that we use: others are not looked at.
  package static func isMedia(_ type: some StringProtocol) -> Bool {
    MediaDevice.Role(deviceType: type) != nil || DescribedService.Kind(serviceType: type) != nil
  }

  /// An answer to a search. nil when it is about another kind of device.
  package init?(answer datagram: [UInt8]) throws(SSDPRefusal) {
    do throws(HTTPRefusal) {
      let head = try HTTPHead(datagram)
      guard head.status == 200 else { throw .malformed("is no answer to a search") }
      guard let type = head.value("st"), Self.isMedia(type) else { return nil }
      guard let usn = head.value("usn"), let udn = UDN(described: usn.prefix(while: { $0 != ":" }).isEmpty ? "" : Self.device(usn)) else {
        throw .malformed("has no usable USN")
      }
      self.init(udn: udn, location: try Self.location(head), maxAge: head.maxAge)
    } catch { throw SSDPRefusal(what: "\(error)") }
  }

  private static func location(_ head: HTTPHead) throws(HTTPRefusal) -> LANURL {
    do throws(LANRefusal) { return try LANURL(head.value("location") ?? "") } catch { throw .malformed("\(error)") }
  }

  /// `uuid:X::urn:…` → `uuid:X`.
  private static func device(_ usn: String) -> Substring {
    usn.firstRange(of: "::").map { usn[..<$0.lowerBound] } ?? usn[...]
  }
}

package struct SSDPRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  package var what: String
  package var description: String { "the search answer \(what)" }
}
