import CPNSModel

// Content under credit-based flow control (docs/protocol.md, "Content").
//
//   receiver                                   holder
//      │ ContentOpen(offset, credit) ───────────▶ │
//      │ ◀─────────────── ContentOpened(size)     │
//      │ ◀─────────────── ContentChunk … ≤ credit │   nothing is sent beyond the credit,
//      │ ContentCredit(more) ───────────────────▶ │   so a slow reader holds up nobody else
//      │ ◀─────────────── ContentChunk(last)      │

package enum ContentFlowError: Error, Equatable, Sendable {
  /// More credit than ``Limits/maximumCredit`` would be open, or a grant of nothing.
  case creditOutOfRange
  /// A chunk that does not continue where the last one ended.
  case outOfOrder(expected: UInt64, got: UInt64)
  /// More bytes than were allowed.
  case creditExceeded
  /// A chunk after the last one.
  case afterTheEnd
}

/// The holder's side: what may be read and sent now.
package struct ContentSender: Sendable, Equatable {
  /// Size of the whole content; nil when it is not known yet.
  package private(set) var size: UInt64?
  package private(set) var offset: UInt64
  private var end: UInt64?
  private var credit: Int
  private let maxChunk: Int
  /// The last chunk has been sent.
  package private(set) var isFinished = false

  /// - Parameters:
  ///   - length: bytes wanted from `offset` on; 0: to the end.
  ///   - maxChunk: of the peer's Hello, 1 to ``Limits/chunk`` is used.
  package init(size: UInt64?, offset: UInt64, length: UInt64, credit: Int, maxChunk: Int) {
    self.size = size
    self.offset = size.map { min(offset, $0) } ?? offset
    let wanted: UInt64? = length == 0 ? nil : offset.addingReportingOverflow(length).overflow ? nil : offset + length
    self.end = wanted
    self.credit = min(max(credit, 0), Limits.maximumCredit)
    self.maxChunk = min(max(maxChunk, 1), Limits.chunk)
  }

  /// The receiver allows more.
  package mutating func grant(_ bytes: Int) throws(ContentFlowError) {
    guard bytes > 0, credit + bytes <= Limits.maximumCredit else { throw .creditOutOfRange }
    credit += bytes
  }

  /// What to read and send next; nil when there is no credit or nothing is left.
  ///
  /// When the size is not known, the holder may find fewer bytes than this, or none at the end (``reachedEnd()``).
  package func nextRead() -> (offset: UInt64, count: Int)? {
    guard !isFinished, credit > 0 else { return nil }
    let left = stop.map { $0 - min(offset, $0) } ?? UInt64(maxChunk)
    let count = min(UInt64(min(credit, maxChunk)), left)
    return count > 0 ? (offset, Int(count)) : nil
  }

  /// Nothing is left to send, but the receiver has not been told so: send an empty last chunk.
  package var needsEmptyEnd: Bool { !isFinished && stop.map { offset >= $0 } ?? false }

  /// `count` bytes went out. Afterwards ``isFinished`` tells whether they were the last.
  package mutating func didSend(_ count: Int) {
    offset += UInt64(count)
    credit -= count
    if let stop, offset >= stop { isFinished = true }
  }

  /// Whether sending `count` bytes now would reach the end, so that the chunk is marked `last`.
  package func isLast(_ count: Int) -> Bool { stop.map { offset + UInt64(count) >= $0 } ?? false }

  /// The source turned out to end at the present offset.
  package mutating func reachedEnd() {
    size = offset
    isFinished = true
  }

  private var stop: UInt64? {
    switch (size, end) {
    case (let size?, let end?): min(size, end)
    case (let size?, nil): size
    case (nil, let end): end
    }
  }
}

/// The receiver's side: checks what comes and says when to give more credit.
package struct ContentReceiver: Sendable, Equatable {
  /// Where the next chunk must begin.
  package private(set) var offset: UInt64
  /// As the holder said in ContentOpened.
  package private(set) var size: UInt64?
  private let window: Int
  private var open: Int
  package private(set) var isFinished = false

  /// - Parameter window: bytes that may be under way; the credit of ContentOpen.
  package init(offset: UInt64, window: Int = Limits.streamCredit) {
    self.offset = offset
    self.window = min(max(window, 1), Limits.maximumCredit)
    self.open = self.window
  }

  package mutating func opened(size: UInt64?) { self.size = size }

  /// - Returns: credit to grant now; nil while more than half of the window is still open.
  package mutating func received(offset at: UInt64, count: Int, last: Bool) throws(ContentFlowError) -> Int? {
    if isFinished { throw .afterTheEnd }
    guard at == offset else { throw .outOfOrder(expected: offset, got: at) }
    guard count <= open else { throw .creditExceeded }
    offset += UInt64(count)
    open -= count
    if last {
      isFinished = true
      return nil
    }
    guard open <= window / 2 else { return nil }
    let more = window - open
    open = window
    return more
  }
}
