package import CPNSModel

/// `POST /v1/pairing`. The body may be left out.
package struct PairingRequest: Sendable, Hashable, Codable {
  /// Nobody walks to a device in less, and a code that is good for longer is found by somebody else.
  package static let bounds: ClosedRange<Int64> = 10...3600

  /// nil: as the gateway is configured.
  package var seconds: Int64?

  package init(seconds: Int64? = nil) { self.seconds = seconds }
}

/// `POST /v1/enrolment`
package struct EnrolmentRequest: Sendable, Hashable, Codable {
  /// As `cpnsd claim new` printed it.
  package var code: String
  /// `HOST:PORT`; an IPv6 literal in brackets.
  package var server: String

  package init(code: String, server: String) {
    self.code = code
    self.server = server
  }

  /// `CODE@HOST:PORT`, as people are given it.
  /// - Returns: nil when there is no `@` with something on both sides.
  package init?(parsing text: String) {
    guard let at = text.lastIndex(of: "@"), at > text.startIndex, text.index(after: at) < text.endIndex else { return nil }
    self.init(code: String(text[..<at]), server: String(text[text.index(after: at)...]))
  }
}

/// `POST /v1/deliveries`: either a content that was staged, or an object of a media server.
package struct DeliveryRequest: Sendable, Hashable, Codable {
  package enum Source: Sendable, Hashable {
    case staged(ContentID)
    case object(String, of: EntityID)
  }

  package var consumer: EntityID
  package var source: Source

  private enum Keys: String, CodingKey {
    case consumer, from, object
    case content = "content_id"
  }

  package init(consumer: EntityID, source: Source) {
    self.consumer = consumer
    self.source = source
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Keys.self)
    consumer = try values.decode(EntityID.self, forKey: .consumer)
    let content = try values.decodeIfPresent(ContentID.self, forKey: .content)
    let server = try values.decodeIfPresent(EntityID.self, forKey: .from)
    switch (content, server) {
    case (let content?, nil): source = .staged(content)
    case (nil, let server?): source = .object(try values.decode(String.self, forKey: .object), of: server)
    case (nil, nil), (_?, _?):
      let wrong = DecodingError.Context(codingPath: [Keys.content], debugDescription: "expected either this, or \"from\" and \"object\"")
      throw DecodingError.dataCorrupted(wrong)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Keys.self)
    try values.encode(consumer, forKey: .consumer)
    switch source {
    case .staged(let content): try values.encode(content, forKey: .content)
    case .object(let object, let server):
      try values.encode(server, forKey: .from)
      try values.encode(object, forKey: .object)
    }
  }
}

/// `GET /v1/pnes/{id}/objects?container=0&start=0&count=50`
package struct BrowseRequest: Sendable, Hashable {
  /// Objects on one page, at most: what a device's answer is bounded to.
  package static let mostObjects = 100
  /// A container's id in characters; the longest that we know (Windows Media Player) are under 100.
  package static let longestID = 512

  package var container: String
  package var start: Int
  package var count: Int

  package init(container: String = "0", start: Int = 0, count: Int = 50) {
    self.container = container
    self.start = start
    self.count = count
  }

  package init(query: [String: String]) throws(AdminFailure) {
    let container = query["container"] ?? "0"
    guard (1...Self.longestID).contains(container.count) else {
      throw AdminFailure(.badRequest, "the container's id is empty or longer than \(Self.longestID) characters", remedy: "take one that a listing has")
    }
    self.container = container
    start = try query.number("start", in: 0...Int(Int32.max), default: 0)
    count = try query.number("count", in: 1...Self.mostObjects, default: 50)
  }
}

extension [String: String] {
  /// A whole number of a query.
  package func number(_ key: String, in range: ClosedRange<Int>, default usual: Int) throws(AdminFailure) -> Int {
    guard let text = self[key] else { return usual }
    guard let number = Int(text), range.contains(number) else {
      throw AdminFailure(
        .badRequest, "\(key)=\(text.prefix(20)) is not possible", remedy: "give a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
