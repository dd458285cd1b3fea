/// Address literals as people know them.
package enum AddressLiteral {
  /// A socket for both families shows IPv4 peers as `::ffff:10.77.0.40` (RFC 4291, 2.5.5.2); to people and in records they are `10.77.0.40`.
  package static func plain(_ literal: String) -> String {
    let prefix = "::ffff:"
    guard literal.lowercased().hasPrefix(prefix), literal.contains(".") else { return literal }
    return String(literal.dropFirst(prefix.count))
  }
}
