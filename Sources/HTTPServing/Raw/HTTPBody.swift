import NIOCore
import NIOHTTP1
import Synchronization

/// The body of one request, piece by piece. The client waits while nobody asks for the next piece.
///
/// `@unchecked Sendable`: only who has set `isTaken` touches the iterator, and ``HTTPConnection`` itself reads only
/// after ``withdraw()``, from when on nobody else can set it.
package final class HTTPBody: AsyncSequence, @unchecked Sendable {
  typealias Parts = NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator

  private struct State {
    var isTaken = false
    var isWithdrawn = false
    var isAtEnd = false
  }
  private let state = Mutex(State())
  private var parts: Parts
  private var invite: (@Sendable () async throws -> Void)?

  /// - Parameter invite: tells the client to go on (`100 Continue`), before the first piece.
  init(_ parts: Parts, invite: (@Sendable () async throws -> Void)?) {
    self.parts = parts
    self.invite = invite
  }

  var isAtEnd: Bool { state.withLock { $0.isAtEnd } }

  /// The next piece; nil at the end.
  /// - Throws: when the connection ends first, when two tasks read at once, or when the request has been answered.
  package func next() async throws -> [UInt8]? {
    let isMine = state.withLock { state in
      guard !state.isTaken, !state.isWithdrawn else { return false }
      state.isTaken = true
      return true
    }
    guard isMine else { throw HTTPBodyError.notYours }
    defer { state.withLock { $0.isTaken = false } }
    if let invite {
      self.invite = nil
      if !isAtEnd { try await invite() }
    }
    return try await piece()
  }

  /// From now on only the connection reads.
  /// - Returns: nil when a task that outlived its request still does.
  func withdraw() -> HTTPBody? {
    state.withLock { state in
      state.isWithdrawn = true
      return state.isTaken ? nil : self
    }
  }

  /// For the connection, after ``withdraw()``.
  func drain() async throws -> Parts {
    while try await piece() != nil {}
    return parts
  }

  private func piece() async throws -> [UInt8]? {
    if isAtEnd { return nil }
    switch try await parts.next(isolation: #isolation) {
    case .body(let buffer): return Array(buffer.readableBytesView)
    case .end:
      state.withLock { $0.isAtEnd = true }
      return nil
    case .head, nil: throw HTTPBodyError.cut
    }
  }

  package struct AsyncIterator: AsyncIteratorProtocol {
    let body: HTTPBody
    package mutating func next() async throws -> [UInt8]? { try await body.next() }
  }
  package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }
}

package enum HTTPBodyError: Error, Equatable, Sendable {
  /// The client left in the middle.
  case cut
  /// Two tasks read one body at once, or one after its request was answered.
  case notYours
}
