/// Why an application's request was not done, in words for it. The remedy is what it may do.
package enum ServerFailure: Error, Equatable, Sendable {
  /// There is no such thing: `a content urn:uuid:…`.
  case notFound(String)
  /// A field is not what it must be.
  case invalid(field: String, problem: String)
  /// It contradicts what there is.
  case conflict(String, remedy: String)
  /// A bound was reached.
  case full(String, remedy: String)
  /// Larger than a bound that will not move, in bytes.
  case tooLarge(limit: UInt64)
  /// The quota or the disk has no room.
  case noRoom(String)
  /// The store or the disk can't do it now.
  case unavailable(String)

  init(_ error: ServerStoreError) {
    self =
      switch error {
      case .unavailable(let text), .damaged(let text): .unavailable(text)
      case .newer(let found, let known): .unavailable("the database has version \(found), this program knows \(known)")
      case .unmet(let condition): Self(condition)
      }
  }

  private init(_ condition: ServerCondition) {
    self =
      switch condition {
      case .contentExists(let id): .notFound("content \(id)")
      case .contentUnused: .conflict("the content is being delivered", remedy: "wait until its deliveries have ended")
      case .contents(let most): .full("\(most) contents are kept already", remedy: "delete some first")
      case .services(let most): .full("\(most) services are published already", remedy: "delete some first")
      case .liveDeliveries(let most): .full("\(most) deliveries have not ended yet", remedy: "wait until some have")
      case .liveDeliveriesOf(_, let most): .full("\(most) deliveries to this PN have not ended yet", remedy: "wait until some have")
      case .unspentClaims(let most): .full("\(most) claims are unspent", remedy: "use them, or wait until they are too old")
      case .revision, .devices, .claimUnspent, .gateway: .conflict("it was changed meanwhile", remedy: "look again and try again")
      }
  }

  init(_ error: ContentKeepingError) {
    self =
      switch error {
      case .full(let text): .noRoom(text)
      case .tooLarge(let limit): .tooLarge(limit: limit)
      case .io(let text): .unavailable(text)
      case .gone(let text): .notFound(text)
      }
  }
}

extension ServerStoreError {
  /// For people.
  package var words: String {
    switch self {
    case .unavailable(let text), .damaged(let text): text
    case .newer(let found, let known): "the database has version \(found), this program knows versions up to \(known): install a newer one"
    case .unmet(let condition): "\(condition)"
    }
  }
}
