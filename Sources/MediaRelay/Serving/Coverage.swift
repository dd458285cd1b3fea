/// Which bytes of a content were read at least once.
package struct Coverage: Sendable, Equatable {
  /// Pieces kept apart: a player that seeks about makes a few dozen. Of more, the smallest is forgotten, so that the count is
  /// never too high.
  package static let mostPieces = 256

  /// In order, with a gap between each two.
  private var pieces: [Range<UInt64>] = []

  package init() {}

  package var count: UInt64 { pieces.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) } }

  package mutating func add(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    // A stream appends to the last piece nearly always.
    let begin = pieces.last.map { $0.upperBound < range.lowerBound } == true ? pieces.count : pieces.firstIndex { $0.upperBound >= range.lowerBound } ?? pieces.count
    var end = begin
    var merged = range
    while end < pieces.count, pieces[end].lowerBound <= range.upperBound {
      merged = min(merged.lowerBound, pieces[end].lowerBound)..<max(merged.upperBound, pieces[end].upperBound)
      end += 1
    }
    pieces.replaceSubrange(begin..<end, with: CollectionOfOne(merged))
    if pieces.count > Self.mostPieces, let smallest = pieces.indices.min(by: { pieces[$0].count < pieces[$1].count }) { pieces.remove(at: smallest) }
  }
}
