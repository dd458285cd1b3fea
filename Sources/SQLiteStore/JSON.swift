import FoundationEssentials

/// Values as JSON text in a column: read whole, written whole, never searched.
enum JSON {
  static func encode(_ value: some Encodable) throws(SQLiteError) -> String {
    do { return String(decoding: try JSONEncoder().encode(value), as: UTF8.self) } catch { throw .misuse("\(type(of: value)) has no JSON: \(error)") }
  }

  /// - Parameter place: table and column, for the error.
  static func decode<T: Decodable>(_ type: T.Type, _ value: SQLiteValue, in place: String) throws(SQLiteError) -> T {
    guard let text = value.text else { throw .damaged("\(place) holds no text") }
    do { return try JSONDecoder().decode(type, from: Data(text.utf8)) } catch { throw .damaged("\(place) holds no \(type)") }
  }
}
