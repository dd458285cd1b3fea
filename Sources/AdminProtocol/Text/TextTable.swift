/// Rows of text in columns, never wider than a terminal.
package struct TextTable: Sendable {
  /// What every terminal has.
  package static let columns = 80
  /// Between columns.
  private static let gap = 2
  /// A column that must give way keeps so much.
  private static let narrowest = 6

  private let titles: [String]
  private let kept: Set<Int>
  private var rows: [[String]] = []

  /// - Parameter kept: columns that are never cut, because people type them again.
  package init(_ titles: [String], kept: Set<Int> = []) {
    self.titles = titles
    self.kept = kept
  }

  /// Cells that are missing are empty; cells too many are left out.
  package mutating func add(_ cells: [String]) {
    let cells = cells.prefix(titles.count).map { Printable.text($0) }
    rows.append(cells + Array(repeating: "", count: titles.count - cells.count))
  }

  package var isEmpty: Bool { rows.isEmpty }

  /// The titles, then the rows. The widest columns are cut until all fit.
  package var lines: [String] {
    let widths = widths
    return ([titles] + rows).map { row in
      var line = ""
      for (index, (cell, width)) in zip(row, widths).enumerated() {
        let text = Printable.cut(cell, to: width)
        line += index + 1 == row.count ? text : text + String(repeating: " ", count: width - Printable.width(text) + Self.gap)
      }
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
  }

  private var widths: [Int] {
    var widths = titles.indices.map { column in ([titles] + rows).map { Printable.width($0[column]) }.max() ?? 0 }
    let room = Self.columns - Self.gap * (titles.count - 1)
    while widths.reduce(0, +) > room,
      let widest = widths.indices.filter({ !kept.contains($0) }).max(by: { widths[$0] < widths[$1] }), widths[widest] > Self.narrowest
    {
      widths[widest] -= 1
    }
    return widths
  }
}
