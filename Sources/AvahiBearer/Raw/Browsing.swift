import CAvahi
import Glibc

/// A look at which services there are, over one connection.
///
/// Each sighting has a resolver of its own that stays, because only that says when the address, the port or the TXT changes.
final class Browsing: AvahiWork {
  private let tell: AvahiTell
  private var client: OpaquePointer?
  private var browser: OpaquePointer?
  private var resolvers: [ServiceRoster.Sighting: OpaquePointer] = [:]
  private var roster = ServiceRoster()

  init(tell: @escaping AvahiTell) { self.tell = tell }

  func begin(with client: OpaquePointer) -> String? {
    self.client = client
    guard browser == nil else { return nil }
    browser = avahi_service_browser_new(
      client, AvahiIfIndex(AVAHI_IF_UNSPEC), AvahiProtocol(AVAHI_PROTO_UNSPEC), "_cpns._tcp", nil, AvahiLookupFlags(rawValue: 0), Self.browsed,
      Unmanaged.passUnretained(self).toOpaque())
    return browser == nil ? AvahiCallbacks.words(avahi_client_errno(client)) : nil
  }

  /// Only a matter of what is published.
  func pause() {}

  private func saw(_ sighting: ServiceRoster.Sighting, type: UnsafePointer<CChar>?, domain: UnsafePointer<CChar>?) {
    guard roster.saw(sighting) else { return }
    // An address of the protocol that it was seen over: the one that certainly works on this interface.
    let resolver = avahi_service_resolver_new(
      client, sighting.interface, sighting.transport, sighting.name, type, domain, sighting.transport, AvahiLookupFlags(rawValue: 0), Self.resolved,
      Unmanaged.passUnretained(self).toOpaque())
    if let resolver { resolvers[sighting] = resolver } else { roster.lost(sighting) }
  }

  private func lost(_ sighting: ServiceRoster.Sighting) {
    if let resolver = resolvers.removeValue(forKey: sighting) { avahi_service_resolver_free(resolver) }
    roster.lost(sighting)
    tell(.saw(roster.services))
  }

  private func resolved(_ sighting: ServiceRoster.Sighting, _ facts: ServiceRoster.Facts) {
    if roster.resolved(sighting, facts) { tell(.saw(roster.services)) }
  }

  // MARK: What libavahi calls

  private static let browsed: AvahiServiceBrowserCallback = { browser, interface, transport, event, name, type, domain, _, this in
    guard let this else { return }
    let browsing = Unmanaged<Browsing>.fromOpaque(this).takeUnretainedValue()
    let sighting = ServiceRoster.Sighting(name: AvahiCallbacks.text(name), interface: interface, transport: transport)
    switch event {
    case AVAHI_BROWSER_NEW: browsing.saw(sighting, type: type, domain: domain)
    case AVAHI_BROWSER_REMOVE: browsing.lost(sighting)
    case AVAHI_BROWSER_FAILURE: browsing.tell(.ended(AvahiCallbacks.words(avahi_client_errno(avahi_service_browser_get_client(browser)))))
    // ALL_FOR_NOW and CACHE_EXHAUSTED say nothing of services.
    default: break
    }
  }

  private static let resolved: AvahiServiceResolverCallback = { _, interface, transport, event, name, _, _, _, address, port, text, _, this in
    // A resolver that fails goes on, and tells when the service answers after all.
    guard let this, event == AVAHI_RESOLVER_FOUND, let host = literal(address, on: interface), port > 0 else { return }
    let sighting = ServiceRoster.Sighting(name: AvahiCallbacks.text(name), interface: interface, transport: transport)
    let facts = ServiceRoster.Facts(endpoint: ServiceEndpoint(host: host, port: port), text: TextRecord.parse(strings(text)))
    Unmanaged<Browsing>.fromOpaque(this).takeUnretainedValue().resolved(sighting, facts)
  }

  /// A link-local address means something only together with its interface.
  private static func literal(_ address: UnsafePointer<AvahiAddress>?, on interface: AvahiIfIndex) -> String? {
    guard let address else { return nil }
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard avahi_address_snprint(&buffer, buffer.count, address) != nil else { return nil }
    let text = string(buffer)
    guard text.lowercased().hasPrefix("fe8") || text.lowercased().hasPrefix("fe9") || text.lowercased().hasPrefix("fea") || text.lowercased().hasPrefix("feb")
    else { return text }
    var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
    return if_indextoname(UInt32(bitPattern: interface), &name) == nil ? nil : text + "%" + string(name)
  }

  private static func string(_ buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Copies, within the bounds of ``TextRecord``.
  private static func strings(_ list: UnsafeMutablePointer<AvahiStringList>?) -> [[UInt8]] {
    var strings: [[UInt8]] = []
    var bytes = 0
    var next = list
    while let string = next, strings.count < 2 * TextRecord.maximumPairs, bytes <= TextRecord.maximumBytes {
      let count = avahi_string_list_get_size(string)
      if count <= TextRecord.maximumString, let text = avahi_string_list_get_text(string) {
        strings.append(Array(UnsafeBufferPointer(start: text, count: count)))
      }
      bytes += count
      next = avahi_string_list_get_next(string)
    }
    return strings
  }
}
