import FoundationEssentials

/// Who made a request.
package enum HTTPPeer: Sendable, Equatable {
  /// Over a unix socket: the connecting process as the kernel knows it (SO_PEERCRED, SO_PEERGROUPS).
  case local(user: UInt32, group: UInt32, groups: [UInt32], process: Int32)
  /// Over TCP: the address literal, without the port.
  case remote(String)
}

/// One request, its head checked; the body comes piece by piece.
package struct HTTPRequest: Sendable {
  package let method: String
  /// Decoded segments of the path: `/v1/pnes/x` is `["v1", "pnes", "x"]`. A segment may hold any character but NUL.
  package let path: [String]
  package let query: [String: String]
  /// Names in lower case; values of fields with the same name are joined with ", " (RFC 9110, 5.3).
  package let headers: [String: String]
  package let peer: HTTPPeer
  package let body: HTTPBody

  /// What the head says of the body's length.
  package var announced: HTTPBodyLength {
    HTTPBodyLength(transferEncoding: headers["transfer-encoding"], contentLength: headers["content-length"])
  }

  /// The whole body; empty when there is none.
  /// - Throws: ``HTTPFailure`` 413 when it is larger than `limit` bytes; what the connection throws when it ends early.
  package func collectBody(upTo limit: Int) async throws -> [UInt8] {
    if case .bytes(let count) = announced, count > limit { throw HTTPFailure.tooLarge(limit: limit) }
    var bytes: [UInt8] = []
    while let piece = try await body.next() {
      guard bytes.count + piece.count <= limit else { throw HTTPFailure.tooLarge(limit: limit) }
      bytes += piece
    }
    return bytes
  }

  /// The body as JSON, at most `limit` bytes.
  /// - Throws: ``HTTPFailure`` 400 that says where it is wrong, or 413.
  package func decodeBody<Value: Decodable>(_ type: Value.Type = Value.self, upTo limit: Int = 64 << 10) async throws -> Value {
    let bytes = try await collectBody(upTo: limit)
    do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
      throw HTTPFailure(400, "bad-json", Self.words(error), remedy: "send the JSON object that the documentation shows")
    }
  }

  private static func words(_ error: any Error) -> String {
    func path(_ context: DecodingError.Context) -> String { context.codingPath.map(\.stringValue).joined(separator: ".") }
    switch error as? DecodingError {
    case .keyNotFound(let key, _): return "the body has no \"\(key.stringValue)\""
    case .typeMismatch(_, let context), .valueNotFound(_, let context): return "\"\(path(context))\" in the body is not of the right type"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty: return "\"\(path(context))\" in the body: \(context.debugDescription)"
    default: return "the body is not JSON"
    }
  }
}

package enum HTTPBodyLength: Sendable, Equatable {
  /// There is no body.
  case none
  case bytes(UInt64)
  /// It is sent in chunks: its length is known at its end.
  case unknown

  init(transferEncoding: String?, contentLength: String?) {
    self = transferEncoding != nil ? .unknown : contentLength.flatMap { UInt64($0) }.map { .bytes($0) } ?? .none
  }
}

package struct HTTPResponse: Sendable {
  package typealias Write = @Sendable ([UInt8]) async throws -> Void

  package enum Body: Sendable {
    case bytes([UInt8])
    /// As long as the closure runs and the client stays; a write waits for a slow client. It is cancelled when the client leaves.
    case stream(@Sendable (_ write: @escaping Write) async throws -> Void)
  }
  package var status: Int
  package var headers: [(String, String)]
  package var body: Body

  package init(_ status: Int, contentType: String = "application/json", headers: [(String, String)] = [], body: Body) {
    self.status = status
    self.headers = [("Content-Type", contentType)] + headers
    self.body = body
  }

  /// JSON with sorted keys and dates as ISO 8601, and a line end.
  package static func json(_ status: Int = 200, _ value: some Encodable, headers: [(String, String)] = []) -> HTTPResponse {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    // Encoding fails for numbers that JSON has not, and our values have none.
    return HTTPResponse(status, headers: headers, body: .bytes((try? encoder.encode(value)).map { Array($0) + [10] } ?? []))
  }
}

/// A refusal, as every client of ours gets it: `{"error":{"code":…,"message":…,"remedy":…}}`.
package struct HTTPFailure: Error, Sendable, Equatable {
  package let status: Int
  /// A word for programs.
  package let code: String
  /// What was wrong, and where.
  package let message: String
  /// What would be right.
  package let remedy: String
  package let headers: [String: String]

  package init(_ status: Int, _ code: String, _ message: String, remedy: String, headers: [String: String] = [:]) {
    self.status = status
    self.code = code
    self.message = message
    self.remedy = remedy
    self.headers = headers
  }

  package static func tooLarge(limit: Int) -> HTTPFailure {
    HTTPFailure(413, "too-large", "the body is larger than \(limit) bytes", remedy: "send less")
  }
  package static func notFound(_ what: String) -> HTTPFailure {
    HTTPFailure(404, "not-found", "there is no \(what)", remedy: "look at the list of what there is")
  }
  package static func wrongMethod(_ method: String, allowed: [String]) -> HTTPFailure {
    let list = allowed.joined(separator: ", ")
    return HTTPFailure(405, "wrong-method", "\(method.prefix(16)) is not done here", remedy: "use \(list)", headers: ["Allow": list])
  }
  /// For a route that takes a body and got none.
  package static let noLength = HTTPFailure(
    411, "length-required", "the request has no body", remedy: "send one, with Content-Length or in chunks")

  package var response: HTTPResponse {
    .json(status, ["error": ["code": code, "message": message, "remedy": remedy]], headers: headers.sorted { $0.key < $1.key })
  }
}
