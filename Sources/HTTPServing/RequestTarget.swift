/// The path and the query of a request's first line (RFC 9112, 3.2), decoded.
struct RequestTarget: Equatable {
  var path: [String]
  var query: [String: String]

  /// - Throws: ``HTTPFailure`` 400.
  init(_ text: String) throws(HTTPFailure) {
    let halves = Self.origin(text).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard let path = halves.first, path.hasPrefix("/") else {
      throw HTTPFailure(400, "bad-url", "the request's target is not a path", remedy: "let it begin with /")
    }
    self.path = []
    for segment in path.split(separator: "/") { self.path.append(try Self.decoded(segment, plus: "+")) }
    query = [:]
    for pair in halves.count > 1 ? halves[1].split(separator: "&") : [] {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      query[try Self.decoded(sides[0], plus: " ")] = sides.count > 1 ? try Self.decoded(sides[1], plus: " ") : ""
    }
  }

  /// `http://host/path` is allowed too, and means `/path`.
  private static func origin(_ text: String) -> Substring {
    guard !text.hasPrefix("/"), let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return text[...] }
    let rest = text[colon...].dropFirst(3)
    return rest.firstIndex(of: "/").map { rest[$0...] } ?? "/"
  }

  private static func decoded(_ text: Substring, plus: Unicode.Scalar) throws(HTTPFailure) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "%"):
        guard rest.count >= 2, let value = hex(rest.prefix(2)), value != 0 else { throw badEncoding }
        bytes.append(value)
        rest.removeFirst(2)
      case UInt8(ascii: "+"): bytes.append(UInt8(ascii: plus))
      default: bytes.append(byte)
      }
    }
    guard let plain = String(validating: bytes, as: UTF8.self) else { throw badEncoding }
    return plain
  }

  /// Two digits; a sign, which the standard library would take, is none.
  private static func hex(_ digits: Substring.UTF8View) -> UInt8? {
    guard digits.allSatisfy({ (48...57).contains($0) || (65...70).contains($0) || (97...102).contains($0) }) else { return nil }
    return UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  private static let badEncoding = HTTPFailure(
    400, "bad-url", "the URL is not percent-encoded UTF-8", remedy: "encode it as RFC 3986 says, without NUL")
}
