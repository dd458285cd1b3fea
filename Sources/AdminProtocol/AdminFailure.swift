/// Why the gateway said no: `{"error":{"code":…,"message":…,"remedy":…}}`.
package struct AdminFailure: Error, Sendable, Hashable {
  /// A word for programs.
  package enum Code: String, Sendable, Hashable, CaseIterable {
    case badRequest = "bad-request"
    case forbidden
    case notFound = "not-found"
    case wrongMethod = "wrong-method"
    /// It does not go together with how things are now.
    case conflict
    case tooLarge = "too-large"
    case noRoom = "no-room"
    /// The server or the device that was asked said no, or something that makes no sense.
    case refused
    /// The server or the device that was asked can't be reached.
    case unreachable
    /// Later it may go.
    case busy
    /// The gateway itself has trouble: the health board says which.
    case unavailable
  }

  package let code: Code
  /// What was wrong, and where.
  package let message: String
  /// What would be right.
  package let remedy: String

  package init(_ code: Code, _ message: String, remedy: String) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }
}

extension AdminFailure.Code {
  /// The HTTP status that carries it.
  package var status: Int {
    switch self {
    case .badRequest: 400
    case .forbidden: 403
    case .notFound: 404
    case .wrongMethod: 405
    case .conflict: 409
    case .tooLarge: 413
    case .refused: 502
    case .busy, .unavailable: 503
    case .unreachable: 504
    case .noRoom: 507
    }
  }
}

/// The body of every answer that is a no. `code` is text: a newer gateway may have codes that an older program does not know.
package struct ErrorReply: Sendable, Hashable, Codable {
  package struct Problem: Sendable, Hashable, Codable {
    package var code: String
    package var message: String
    package var remedy: String
  }
  package var error: Problem

  package init(_ failure: AdminFailure) {
    error = Problem(code: failure.code.rawValue, message: failure.message, remedy: failure.remedy)
  }
}
