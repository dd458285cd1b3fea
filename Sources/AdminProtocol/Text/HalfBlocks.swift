/// A picture of squares as text, two rows to a line: half blocks are about as wide as high.
package enum HalfBlocks {
  /// Light around a QR code, in modules (ISO/IEC 18004, 9.1): without it a camera does not find it.
  package static let quietZone = 4

  /// - Parameter dark: rows of equal length; true is dark. Light is drawn, so that it reads on a dark terminal, which most are.
  package static func lines(_ dark: [[Bool]]) -> [String] {
    let width = (dark.first?.count ?? 0) + 2 * quietZone
    let blank = Array(repeating: false, count: width)
    let side = Array(repeating: false, count: quietZone)
    let edge = Array(repeating: blank, count: quietZone)
    var rows = edge + dark.map { side + $0 + side } + edge
    if rows.count % 2 == 1 { rows.append(blank) }
    return stride(from: 0, to: rows.count, by: 2).map { top in
      String(zip(rows[top], rows[top + 1]).map { upper, lower in
        switch (upper, lower) {
        case (false, false): "█"
        case (false, true): "▀"
        case (true, false): "▄"
        case (true, true): " "
        }
      })
    }
  }
}
