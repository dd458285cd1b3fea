/// Any JSON value, to be looked into.
indirect enum JSONTree: Sendable, Decodable {
  case object([String: JSONTree])
  case list([JSONTree])
  case text(String)
  case number(Int)
  case other

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode([String: JSONTree].self) {
      self = .object(value)
    } else if let value = try? container.decode([JSONTree].self) {
      self = .list(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode(Int.self) {
      self = .number(value)
    } else {
      self = .other
    }
  }

  subscript(_ key: String) -> JSONTree? { if case .object(let values) = self { values[key] } else { nil } }
  func has(_ key: String) -> Bool { self[key] != nil }
  var list: [JSONTree]? { if case .list(let values) = self { values } else { nil } }
  var text: String? { if case .text(let value) = self { value } else { nil } }
  var number: Int? { if case .number(let value) = self { value } else { nil } }

  /// Statements of a rule that change nothing of its verdict.
  var isHarmless: Bool { has("counter") || has("log") || has("comment") }

  /// Whether a right side of a match has `value`: a value, a set, a range, a prefix.
  func contains(_ value: String) -> Bool {
    switch self {
    case .text(let text): return text == value || text.hasSuffix("*") && value.hasPrefix(text.dropLast())
    case .number(let number): return "\(number)" == value
    case .list(let values): return values.contains { $0.contains(value) }
    case .object(let object):
      if let set = object["set"] { return set.contains(value) }
      if let element = object["elem"]?["val"] { return element.contains(value) }
      if let range = object["range"]?.list, range.count == 2 { return Self.within(value, range[0], range[1]) }
      if let prefix = object["prefix"], let address = prefix["addr"]?.text, let length = prefix["len"]?.number { return Self.within(value, address, length) }
      return false
    case .other: return false
    }
  }

  private static func within(_ value: String, _ low: JSONTree, _ high: JSONTree) -> Bool {
    if let value = Int(value), let low = low.number, let high = high.number { return low <= value && value <= high }
    guard let value = address(value), let low = low.text.flatMap(address), let high = high.text.flatMap(address) else { return false }
    return low <= value && value <= high
  }

  private static func within(_ value: String, _ prefix: String, _ length: Int) -> Bool {
    guard let value = address(value), let prefix = address(prefix), (0...32).contains(length) else { return false }
    let mask: UInt32 = length == 0 ? 0 : ~0 << (32 - UInt32(length))
    return value & mask == prefix & mask
  }

  private static func address(_ text: String) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    guard parts.count == 4 else { return nil }
    return parts.reduce(UInt32?(0)) { sum, part in sum.flatMap { sum in part.map { sum << 8 | UInt32($0) } } }
  }
}
