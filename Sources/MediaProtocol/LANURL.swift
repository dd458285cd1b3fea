/// A URL of a device on the LAN: `http`, an address literal, a port, a path with its query. Nothing else is ever contacted.
package struct LANURL: Hashable, Sendable, CustomStringConvertible {
  /// Longest accepted, in bytes; the longest that we know of a device (minidlna's art URLs) are under 300.
  package static let longest = 1024

  package let host: IPAddress
  /// 1 to 65,535.
  package let port: UInt16
  /// Begins with `/`; with the query, without a fragment.
  package let path: String

  package init(host: IPAddress, port: UInt16, path: String) {
    self.host = host
    self.port = port
    self.path = path.hasPrefix("/") ? path : "/" + path
  }

  package init(_ text: String) throws(LANRefusal) {
    guard text.utf8.count <= Self.longest else { throw .unreadable("longer than \(Self.longest) bytes") }
    guard text.utf8.allSatisfy({ (33...126).contains($0) }) else { throw .unreadable("has characters that a URL cannot have") }
    guard let mark = text.firstRange(of: "://") else { throw .unreadable("is not an absolute URL") }
    guard text[..<mark.lowerBound].lowercased() == "http" else { throw .scheme(String(text[..<mark.lowerBound].prefix(16))) }
    let rest = text[mark.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    (host, port) = try Self.authority(authority)
    let tail = rest[authority.endIndex...].prefix { $0 != "#" }
    path = tail.hasPrefix("/") ? String(tail) : "/" + tail
  }

  package var hostAndPort: String { (host.isIPv4 ? "\(host)" : "[\(host)]") + ":\(port)" }
  package var description: String { "http://\(hostAndPort)\(path)" }

  /// The URL that `reference` means in a document that came from here (RFC 3986, 5.2, as far as UPnP uses it).
  package func resolving(_ reference: String) throws(LANRefusal) -> LANURL {
    if reference.firstRange(of: "://").map({ reference[..<$0.lowerBound].allSatisfy { $0.isLetter || $0.isNumber } }) == true { return try LANURL(reference) }
    if reference.hasPrefix("//") { return try LANURL("http:" + reference) }
    let origin = "http://\(hostAndPort)"
    if reference.hasPrefix("/") { return try LANURL(origin + reference) }
    let bare = path.prefix { $0 != "?" }
    if reference.isEmpty || reference.hasPrefix("?") { return try LANURL(origin + bare + reference) }
    let folder = bare.lastIndex(of: "/").map { bare[...$0] } ?? "/"
    return try LANURL(origin + folder + reference)
  }

  private static func authority(_ text: Substring) throws(LANRefusal) -> (IPAddress, UInt16) {
    guard !text.contains("@") else { throw .unreadable("has a user name") }
    var name = text
    var port: UInt16 = 80
    let end = text.hasPrefix("[") ? text.lastIndex(of: "]") : nil
    if let colon = text[(end ?? text.startIndex)...].firstIndex(of: ":") {
      name = text[..<colon]
      let digits = text[text.index(after: colon)...]
      guard digits.isEmpty || digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = digits.isEmpty ? 80 : UInt16(digits), number > 0 else {
        throw .unreadable("has no port from 1 to 65535")
      }
      port = number
    }
    let isBracketed = name.hasPrefix("[") && name.hasSuffix("]")
    guard let address = IPAddress(isBracketed ? name.dropFirst().dropLast() : name), address.isIPv4 != isBracketed else {
      throw .notLiteral(String(name.prefix(64)))
    }
    return (address, port)
  }
}

/// Why a URL from the LAN is not contacted.
package enum LANRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  case unreadable(String)
  case scheme(String)
  case notLiteral(String)
  /// Loopback, our own address, metadata service, multicast, broadcast.
  case forbidden(String, String)
  case otherHost(String, expected: String)
  case outside(String, network: String)

  package var description: String {
    switch self {
    case .unreadable(let what): "the URL \(what)"
    case .scheme(let scheme): "the URL's scheme is \"\(scheme)\", not http"
    case .notLiteral(let host): "the URL's host \"\(host)\" is not an address literal"
    case .forbidden(let host, let kind): "the host \(host) is \(kind)"
    case .otherHost(let host, let expected): "the URL points to \(host) and not to the device at \(expected)"
    case .outside(let host, let network): "the host \(host) is not on \(network)"
    }
  }
}
