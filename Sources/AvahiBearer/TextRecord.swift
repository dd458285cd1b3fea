/// The TXT record of a service (RFC 6763, 6): `key=value` strings, between bytes and a dictionary.
enum TextRecord {
  /// Pairs taken from one record: ours has two.
  static let maximumPairs = 16
  /// Bytes of all strings together: more than that does not go into one mDNS packet beside the rest.
  static let maximumBytes = 1024
  /// A DNS string has a length of one byte.
  static let maximumString = 255

  /// What is no `key=value`, or beyond a bound, is left out. Keys are compared in lower case, and the first of a key counts.
  static func parse(_ strings: some Sequence<[UInt8]>) -> [String: String] {
    var pairs: [String: String] = [:]
    var bytes = 0
    for string in strings {
      bytes += string.count
      guard bytes <= maximumBytes, pairs.count < maximumPairs else { break }
      guard let (key, value) = pair(string), pairs[key] == nil else { continue }
      pairs[key] = value
    }
    return pairs
  }

  private static func pair(_ string: [UInt8]) -> (String, String)? {
    guard string.count <= maximumString, let equals = string.firstIndex(of: UInt8(ascii: "=")), equals > 0,
      string[..<equals].allSatisfy({ (0x20...0x7E).contains($0) }), let value = String(validating: string[(equals + 1)...], as: UTF8.self)
    else { return nil }
    return (String(decoding: string[..<equals], as: UTF8.self).lowercased(), value)
  }

  /// In the order of the keys. Pairs that do not fit are left out.
  static func strings(_ pairs: [String: String]) -> [[UInt8]] {
    var bytes = 0
    return pairs.sorted { $0.key < $1.key }.prefix(maximumPairs).compactMap { key, value in
      let string = Array("\(key)=\(value)".utf8)
      // A C string ends at its first 0.
      guard !key.isEmpty, !key.contains("="), string.count <= maximumString, bytes + string.count <= maximumBytes, !string.contains(0)
      else { return nil }
      bytes += string.count
      return string
    }
  }
}

/// An instance name as DNS takes it (RFC 6763, 4.1.1).
enum InstanceName {
  /// Bytes of one DNS label.
  static let maximumBytes = 63

  /// Cut at a character, without control characters; `pngw` when nothing is left.
  static func fitting(_ name: String) -> String {
    var fitted = ""
    for character in name where !character.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
      guard fitted.utf8.count + character.utf8.count <= maximumBytes else { break }
      fitted.append(character)
    }
    return fitted.isEmpty ? "pngw" : fitted
  }
}
