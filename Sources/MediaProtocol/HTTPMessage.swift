/// The head of an HTTP/1.1 or SSDP message: the first line, and fields with lower-case names in order.
package struct HTTPHead: Hashable, Sendable {
  /// Head in bytes; devices send 200 to 600.
  package static let longest = 8 << 10
  package static let mostFields = 64

  package var firstLine: String
  package var fields: [Field]

  package struct Field: Hashable, Sendable {
    package var name: String
    package var value: String
  }

  /// - Parameter bytes: the lines, without the empty line at their end.
  package init(_ bytes: some Collection<UInt8>) throws(HTTPRefusal) {
    guard bytes.count <= Self.longest else { throw .headTooLarge }
    guard bytes.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 || $0 == 10 || $0 == 13 }) else { throw .malformed("has control characters in its head") }
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: true).map { $0.last == 13 ? $0.dropLast() : $0 }.filter { !$0.isEmpty }
    guard !lines.isEmpty else { throw .malformed("has an empty head") }
    firstLine = String(decoding: lines.removeFirst(), as: UTF8.self)
    guard lines.count <= Self.mostFields else { throw .malformed("has more than \(Self.mostFields) header fields") }
    fields = lines.compactMap { line in
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return nil }
      let name = String(decoding: line[..<colon], as: UTF8.self).trimmed.lowercased()
      return Field(name: name, value: String(String(decoding: line[line.index(after: colon)...], as: UTF8.self).trimmed))
    }
  }

  package func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }

  /// `HTTP/1.1 200 OK` → 200.
  package var status: Int? {
    let words = firstLine.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1].utf8.count == 3, let status = Int(words[1]), (100...599).contains(status) else { return nil }
    return status
  }

  /// `NOTIFY /e/1 HTTP/1.1` → method and path.
  package var request: (method: String, path: String)? {
    let words = firstLine.split(separator: " ")
    guard words.count == 3, words[2].hasPrefix("HTTP/1.") else { return nil }
    return (String(words[0]), String(words[1]))
  }

  /// `CACHE-CONTROL: max-age = 1800` → 1800.
  package var maxAge: Int? { value("cache-control").flatMap { Self.number(after: "max-age", in: $0) } }

  /// `TIMEOUT: Second-300` → 300; `infinite` → nil.
  package var subscriptionSeconds: Int? { value("timeout").flatMap { Self.number(after: "second-", in: $0) } }

  private static func number(after key: String, in text: String) -> Int? {
    let text = text.lowercased()
    guard let range = text.firstRange(of: key) else { return nil }
    let digits = text[range.upperBound...].drop { $0 == " " || $0 == "=" || $0 == "\"" }.prefix { $0.isASCII && $0.isNumber }
    return Int(digits)
  }
}

package struct HTTPMessage: Hashable, Sendable {
  package var head: HTTPHead
  package var body: [UInt8]
}

/// Why an HTTP message was refused.
package enum HTTPRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  case headTooLarge
  case bodyTooLarge(Int)
  case malformed(String)
  /// The connection ended before the message did.
  case cut

  package var description: String {
    switch self {
    case .headTooLarge: "has a head of more than \(HTTPHead.longest) bytes"
    case .bodyTooLarge(let limit): "has a body of more than \(limit) bytes"
    case .malformed(let what): what
    case .cut: "ended too early"
    }
  }
}
