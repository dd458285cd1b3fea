/// Finds the word that somebody meant.
enum Nearest {
  /// - Returns: the candidate with the fewest changed letters, if a third of them at most; nil when none is like it.
  static func word(to typed: String, among candidates: [String]) -> String? {
    let near = candidates.map { (word: $0, distance: distance(typed, $0)) }.min { $0.distance < $1.distance }
    guard let near, near.distance <= max(2, near.word.count / 3), near.distance < near.word.count else { return nil }
    return near.word
  }

  /// Levenshtein's: letters put in, taken out or changed.
  static func distance(_ a: String, _ b: String) -> Int {
    // Nobody means a key by a word this long.
    let (a, b) = (Array(a.unicodeScalars.prefix(64)), Array(b.unicodeScalars))
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in b.enumerated() {
        let change = diagonal + (letter == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(change, row[j] + 1, diagonal + 1)
      }
    }
    return row[b.count]
  }
}
