/// Which line each key of a TOML document stands on: TOMLKit knows it for syntax errors only.
///
/// The document has been parsed before, so it is well formed; keys of inline tables are on the line of their table, and keys
/// with escapes in them are not found and count as being where their table begins.
struct KeyLines {
  private var lines: [[String]: Int] = [:]

  init(_ text: String) {
    var scanner = TOMLScanner(text)
    var table: [String] = []
    while let statement = scanner.next() {
      switch statement {
      case .table(let path, let line):
        table = path
        note(path, line)
      case .key(let path, let line):
        note(table + path, line)
      }
    }
  }

  /// The line of `path`, or of the nearest table around it; 1 when there is none.
  func line(of path: [String]) -> Int {
    var path = path
    while !path.isEmpty {
      if let line = lines[path] { return line }
      path.removeLast()
    }
    return 1
  }

  /// Tables are opened by the first of their keys: `a.b = 1`.
  private mutating func note(_ path: [String], _ line: Int) {
    var path = path
    while !path.isEmpty, lines[path] == nil {
      lines[path] = line
      path.removeLast()
    }
  }
}
