import TOMLKit

/// Takes the values of TOML texts into a ``ConfigurationFile``, one after the other, and finds everything that is wrong with them.
struct ConfigurationReading<File: ConfigurationFile> {
  private(set) var file = File()
  private(set) var problems: [ConfigurationError.Problem] = []
  /// The text that is read now: what it is called, and where its keys stand.
  private var name = ""
  private var lines = KeyLines("")
  /// Where each key was set last.
  private var places: [String: (file: String, line: Int)] = [:]

  mutating func read(_ source: ConfigurationSource) {
    name = source.file
    if let unfit = TOMLText.problem(source.text) { return note(unfit.line, unfit.text) }
    do {
      let document = try TOMLTable(string: source.text)
      lines = KeyLines(source.text)
      read(document)
    } catch let error as TOMLParseError {
      note(max(error.source.begin.line, 1), "not TOML: \(error.description)")
    } catch {
      note(1, "not TOML")
    }
  }

  /// What is wrong with the values beside each other, once all are read. Values that were refused are at their defaults, and would be blamed
  /// for nothing.
  mutating func checkConflicts() {
    guard problems.isEmpty else { return }
    for (path, text) in file.conflicts {
      let place = places[path] ?? (name, lines.line(of: path.split(separator: ".").map(String.init)))
      problems.append(.init(file: place.file, line: place.line, text: "\(path): \(text)"))
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
  }

  private mutating func read(_ table: TOMLTable, named name: String) {
    for (child, value) in table {
      if let key = key(name, child) { take(value, for: key) } else { refuse([name, child], unknown(name, child, value)) }
    }
  }

  private mutating func take(_ value: any TOMLValueConvertible, for key: ConfigurationKey<File>) {
    let path = key.table.isEmpty ? [key.name] : [key.table, key.name]
    guard !key.take(value, into: &file) else { return places[key.path] = (name, lines.line(of: path)) }
    let found = key.mayHoldSecret ? "" : " is \(TOMLText.shown(value))"
    refuse(path, "\(key.path)\(found): expected \(key.expects) (\(key.purpose))")
  }

  private mutating func refuse(_ path: [String], _ text: String) { note(lines.line(of: path), text) }

  private mutating func note(_ line: Int, _ text: String) { problems.append(.init(file: name, line: line, text: text)) }

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
