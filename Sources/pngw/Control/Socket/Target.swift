/// The target of a request: path segments and query, percent-encoded (RFC 3986).
struct Target {
  var segments: [String]
  var query: [(String, String)] = []

  init(_ segments: String..., query: [(String, String)] = []) {
    self.segments = segments
    self.query = query
  }

  var text: String {
    let path = (["v1"] + segments).map { "/" + Self.encoded($0) }.joined()
    return query.isEmpty ? path : path + "?" + query.map { Self.encoded($0.0) + "=" + Self.encoded($0.1) }.joined(separator: "&")
  }

  private static func encoded(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case 48...57, 65...90, 97...122, 45, 46, 95, 126: String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }
}
