import FoundationEssentials

/// Values as JSON text in a column: read whole, written whole, never searched.
enum JSON {
  static func encode(_ value: some Encodable) -> String {
    // Encoding fails for numbers that JSON has not, and our values have none.
    (try? JSONEncoder().encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
  }

  /// nil for what a damaged or foreign row holds.
  static func decode<T: Decodable>(_ type: T.Type, _ text: String) -> T? {
    try? JSONDecoder().decode(type, from: Data(text.utf8))
  }
}
