import CPNSModel
import HTTPServing
import ServerCore

// What requests ask, taken from their parts.

extension HTTPRequest {
  /// Elements of a list when nothing is said.
  private static let usualLimit = 500

  /// - Throws: ``HTTPFailure`` 400 for a parameter that the route does not know: most likely a misspelt one.
  func checkParameters(_ known: Set<String>) throws(HTTPFailure) {
    guard let unknown = query.keys.filter({ !known.contains($0) }).min() else { return }
    let list = known.isEmpty ? "none" : known.sorted().joined(separator: ", ")
    throw HTTPFailure(400, "unknown-parameter", "the parameter \"\(unknown.prefix(64))\" is not known here", remedy: "known are: \(list)")
  }

  func limit() throws(HTTPFailure) -> Int {
    guard let text = query["limit"] else { return Self.usualLimit }
    guard let limit = Int(text), (1...ServerBounds.page).contains(limit) else {
      throw HTTPFailure(400, "bad-limit", "limit is not a number that a page may have", remedy: "use 1 to \(ServerBounds.page)")
    }
    return limit
  }

  /// The part of a list that is asked for.
  func page() throws(HTTPFailure) -> ListPage {
    guard let text = query["after"] else { return ListPage(limit: try limit()) }
    guard let after = Int64(text), after >= 0 else {
      throw HTTPFailure(400, "bad-after", "after is not where a page begins", remedy: "use \"next\" of the page before")
    }
    return ListPage(after: after, limit: try limit())
  }
}

extension Identifier {
  init(asked text: String, _ field: String) throws(HTTPFailure) {
    guard let id = Identifier(urn: text) else {
      throw HTTPFailure(400, "bad-id", "\(field) is no id", remedy: "use urn:uuid: and a UUID")
    }
    self = id
  }
}

extension HTTPFailure {
  init(_ failure: ServerFailure) {
    switch failure {
    case .notFound(let what): self = .notFound(what)
    case .invalid(let field, let problem):
      self.init(400, "invalid-field", "\(field): \(problem)", remedy: "send what the documentation shows")
    case .conflict(let text, let remedy): self.init(409, "conflict", text, remedy: remedy)
    case .full(let text, let remedy): self.init(429, "too-many", text, remedy: remedy)
    case .tooLarge(let limit): self.init(413, "too-large", "the content is larger than the quota of \(limit) bytes", remedy: "send less, or raise state.content_quota_mib")
    case .noRoom(let text): self.init(507, "no-room", text, remedy: "delete contents, or raise state.content_quota_mib")
    case .unavailable(let text):
      self.init(503, "unavailable", "the server can't do it now: \(text)", remedy: "try again later, and look at the server's disk", headers: ["Retry-After": "5"])
    }
  }
}
