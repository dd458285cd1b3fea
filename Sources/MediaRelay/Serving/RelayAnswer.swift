import MediaProtocol

/// What a request at the relay gets: decided from values alone.
package struct RelayAnswer: Equatable, Sendable {
  package var status: Int
  package var fields: [(name: String, value: String)]
  /// What of the content follows the head.
  package var body: Body
  package var keepsAlive: Bool

  package enum Body: Equatable, Sendable {
    case none
    case counted(Range<UInt64>)
    case chunked
    case untilClose
  }

  package static func == (a: RelayAnswer, b: RelayAnswer) -> Bool {
    a.status == b.status && a.fields.elementsEqual(b.fields, by: ==) && a.body == b.body && a.keepsAlive == b.keepsAlive
  }

  package var head: String {
    var text = "HTTP/1.1 \(status) \(Self.reasons[status] ?? "Error")\r\nServer: Linux UPnP/1.1 pngw\r\n"
    for (name, value) in fields { text += "\(name): \(value)\r\n" }
    return text + "Connection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n"
  }

  private static let reasons = [
    200: "OK", 206: "Partial Content", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    410: "Gone", 416: "Range Not Satisfiable", 431: "Request Header Fields Too Large", 505: "HTTP Version Not Supported",
  ]

  /// - Parameter keepsAlive: false where what follows on the connection can't be told apart from this request's rest.
  package static func refusal(_ status: Int, _ more: [(String, String)] = [], keepsAlive: Bool = false) -> RelayAnswer {
    RelayAnswer(status: status, fields: more + [("Content-Length", "0")], body: .none, keepsAlive: keepsAlive)
  }
}

/// A content as the relay describes it to a device.
package struct RelayedContent: Sendable, Equatable {
  package var mediaType: String
  package var contentFeatures: String
  /// nil: not known yet.
  package var size: UInt64?

  package init(mediaType: String, contentFeatures: String, size: UInt64?) {
    self.mediaType = mediaType
    self.contentFeatures = contentFeatures
    self.size = size
  }
}

/// A request's head as the relay reads it.
package struct RelayRequest: Sendable {
  package let method: String
  /// What comes after `/m/` up to the next `/`; nil for other paths.
  package let token: String?
  private let head: HTTPHead
  private let isHTTP10: Bool

  /// - Parameter bytes: up to the empty line.
  /// - Throws: the answer for what is no request.
  package init(_ bytes: some Collection<UInt8>) throws(RelayFault) {
    do throws(HTTPRefusal) { head = try HTTPHead(bytes) } catch { throw RelayFault(answer: .refusal(error == .headTooLarge ? 431 : 400)) }
    guard let (method, target) = head.request, !method.isEmpty else { throw RelayFault(answer: .refusal(head.firstLine.contains(" HTTP/") ? 505 : 400)) }
    self.method = method
    isHTTP10 = head.firstLine.hasSuffix("/1.0")
    token = Self.token(target)
    // We take no bodies, and what we don't read would be taken for the next request.
    guard head.value("transfer-encoding") == nil, ["0", nil].contains(head.value("content-length")) else { throw RelayFault(answer: .refusal(400)) }
  }

  var keepsAlive: Bool {
    let connection = head.value("connection")?.lowercased() ?? ""
    return isHTTP10 ? connection.contains("keep-alive") : !connection.contains("close")
  }

  private static func token(_ target: String) -> String? {
    var path = target[...]
    if path.lowercased().hasPrefix("http://") {
      path = path.dropFirst(7)
      path = path[(path.firstIndex(of: "/") ?? path.endIndex)...]
    }
    guard path.hasPrefix("/m/") else { return nil }
    return String(path.dropFirst(3).prefix { $0 != "/" && $0 != "?" })
  }

  // MARK: The answer

  package func answer(for content: RelayedContent) -> RelayAnswer {
    guard method == "GET" || method == "HEAD" else { return .refusal(405, [("Allow", "GET, HEAD")], keepsAlive: keepsAlive) }
    guard let mode = transferMode(for: content.mediaType), head.value("timeseekrange.dlna.org") == nil else { return .refusal(406, keepsAlive: keepsAlive) }
    // DLNA Guidelines 7.4.1.3.11: any value but 1 is an error.
    guard ["1", nil].contains(head.value("getcontentfeatures.dlna.org")) else { return .refusal(400, keepsAlive: keepsAlive) }
    var fields = [("Content-Type", content.mediaType), ("transferMode.dlna.org", mode)]
    if !content.contentFeatures.isEmpty { fields.append(("contentFeatures.dlna.org", content.contentFeatures)) }
    var answer = content.size.map { sized($0, fields) } ?? unsized(fields)
    if method == "HEAD" { answer.body = .none }
    return answer
  }

  private func sized(_ size: UInt64, _ fields: [(String, String)]) -> RelayAnswer {
    // We give no validators, so an If-Range can't match.
    let range = head.value("if-range") == nil ? ByteRange(head.value("range")) : .whole
    let ranged = fields + [("Accept-Ranges", "bytes")]
    switch range.selection(size: size) {
    case .all:
      return RelayAnswer(status: 200, fields: ranged + [("Content-Length", "\(size)")], body: .counted(0..<size), keepsAlive: keepsAlive)
    case .part(let part):
      let words = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
      return RelayAnswer(
        status: 206, fields: ranged + [("Content-Range", words), ("Content-Length", "\(part.upperBound - part.lowerBound)")], body: .counted(part),
        keepsAlive: keepsAlive)
    case .none: return .refusal(416, [("Content-Range", "bytes */\(size)")], keepsAlive: keepsAlive)
    }
  }

  /// A content that has no size yet has no ranges either: all of it is sent.
  private func unsized(_ fields: [(String, String)]) -> RelayAnswer {
    if isHTTP10 { return RelayAnswer(status: 200, fields: fields + [("Accept-Ranges", "none")], body: .untilClose, keepsAlive: false) }
    return RelayAnswer(
      status: 200, fields: fields + [("Accept-Ranges", "none"), ("Transfer-Encoding", "chunked")], body: .chunked, keepsAlive: keepsAlive)
  }

  /// DLNA Guidelines 7.4.1.3.20: pictures are interactive, what plays is streaming, and all may be read in the background.
  /// - Returns: nil for a mode that does not fit.
  private func transferMode(for mediaType: String) -> String? {
    let kind = mediaType.lowercased()
    let usual = kind.hasPrefix("video/") || kind.hasPrefix("audio/") ? "Streaming" : "Interactive"
    guard let asked = head.value("transfermode.dlna.org")?.lowercased() else { return usual }
    return [usual, "Background"].first { $0.lowercased() == asked }
  }
}

package struct RelayFault: Error, Equatable, Sendable {
  package let answer: RelayAnswer
}
