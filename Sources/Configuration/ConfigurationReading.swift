import TOMLKit

/// Takes the values of a TOML text into a ``ConfigurationFile``, and finds everything that is wrong with them.
struct ConfigurationReading<File: ConfigurationFile> {
  private(set) var file = File()
  private(set) var problems: [(line: Int, text: String)] = []
  private var lines = KeyLines("")

  init(_ text: String) {
    if let unfit = TOMLText.problem(text) {
      problems = [unfit]
      return
    }
    do {
      let document = try TOMLTable(string: text)
      lines = KeyLines(text)
      read(document)
    } catch let error as TOMLParseError {
      problems = [(max(error.source.begin.line, 1), "not TOML: \(error.description)")]
    } catch {
      problems = [(1, "not TOML")]
    }
  }

  private mutating func read(_ document: TOMLTable) {
    let tables = Set(File.keys.map { $0.table })
    for (name, value) in document {
      if let key = key("", name) {
        take(value, for: key)
      } else if !tables.contains(name) || name.isEmpty {
        refuse([name], unknown("", name, value))
      } else if let table = value.table {
        read(table, named: name)
      } else {
        refuse([name], "\(name) is a table: expected [\(name)] on a line of its own and its keys below")
      }
    }
    // Values that were refused are at their defaults, and would be blamed for nothing.
    if problems.isEmpty { for (path, text) in file.conflicts { refuse(path.split(separator: ".").map(String.init), "\(path): \(text)") } }
  }

  private mutating func read(_ table: TOMLTable, named name: String) {
    for (child, value) in table {
      if let key = key(name, child) { take(value, for: key) } else { refuse([name, child], unknown(name, child, value)) }
    }
  }

  private mutating func take(_ value: any TOMLValueConvertible, for key: ConfigurationKey<File>) {
    guard !key.take(value, into: &file) else { return }
    let found = key.mayHoldSecret ? "" : " is \(TOMLText.shown(value))"
    refuse(key.table.isEmpty ? [key.name] : [key.table, key.name], "\(key.path)\(found): expected \(key.expects) (\(key.purpose))")
  }

  private mutating func refuse(_ path: [String], _ text: String) { problems.append((lines.line(of: path), text)) }

  private func key(_ table: String, _ name: String) -> ConfigurationKey<File>? {
    File.keys.first { $0.table == table && $0.name == name }
  }

  private func unknown(_ table: String, _ name: String, _ value: any TOMLValueConvertible) -> String {
    let path = table.isEmpty ? name : "\(table).\(name)"
    let shown = value.type == .table ? "unknown table [\(TOMLText.shortened(path))]" : "unknown key \"\(TOMLText.shortened(path))\""
    let elsewhere = File.keys.filter { $0.name == name }
    if elsewhere.count == 1 { return "\(shown): did you mean \"\(elsewhere[0].path)\"?" }
    let tables = Set(File.keys.map { $0.table }).subtracting([""])
    if let near = Nearest.word(to: path, among: File.keys.map { $0.path } + tables) {
      return "\(shown): did you mean \(tables.contains(near) ? "[\(near)]" : "\"\(near)\"")?"
    }
    let known = File.keys.filter { $0.table == table }.map { $0.name } + (table.isEmpty ? tables.sorted().map { "[\($0)]" } : [])
    return "\(shown): expected one of \(known.joined(separator: ", "))"
  }
}

extension ConfigurationKey {
  /// - Returns: whether `value` is of the right kind and within its bounds.
  fileprivate func take(_ value: any TOMLValueConvertible, into file: inout File) -> Bool {
    switch kind {
    case .text(let place, let rule):
      guard let text = value.string, rule.accepts(text) else { return false }
      file[keyPath: place] = text
    case .number(let place, let range):
      guard let number = value.int, range.contains(number) else { return false }
      file[keyPath: place] = number
    case .flag(let place):
      guard let flag = value.bool else { return false }
      file[keyPath: place] = flag
    case .level(let place):
      guard let level = value.string.flatMap(LogLevel.init(rawValue:)) else { return false }
      file[keyPath: place] = level
    case .list(let place, let rule, let count):
      guard let texts = value.array.flatMap(texts), count.contains(texts.count), texts.allSatisfy(rule.accepts) else { return false }
      file[keyPath: place] = texts
    }
    return true
  }

  private func texts(_ array: TOMLArray) -> [String]? {
    let texts = array.compactMap { $0.string }
    return texts.count == array.count ? texts : nil
  }
}
