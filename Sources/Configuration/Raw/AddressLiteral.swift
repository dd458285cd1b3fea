import Glibc

/// IPv4 and IPv6 addresses as the system's own calls will read them.
enum AddressLiteral {
  /// `192.0.2.1`, `2001:db8::1`; no zones, no short forms. inet_pton(3) only looks at the text.
  static func isValid(_ text: String) -> Bool {
    var bytes = in6_addr()
    return inet_pton(AF_INET, text, &bytes) == 1 || inet_pton(AF_INET6, text, &bytes) == 1
  }
}
