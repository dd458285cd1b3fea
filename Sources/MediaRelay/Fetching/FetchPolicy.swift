import GatewayCore
package import MediaProtocol
import NIOCore
import NIOPosix

/// Whom we fetch from: the device that gave the URL, when it is another machine on a LAN.
package struct FetchPolicy: Sendable {
  /// Fetched from although a rule forbids it: for devices in tests, which live on the loopback interface.
  private let exceptions: Set<IPAddress>

  package init(exceptions: Set<IPAddress> = []) { self.exceptions = exceptions }

  func check(_ text: String, onlyFrom host: String) throws(FetchError) -> LANURL {
    guard let device = IPAddress(host) else { throw .forbidden("\"\(host)\" is not an address literal") }
    do throws(LANRefusal) {
      let url = try LANURL(text)
      // Every network is inside a prefix of 0 bits.
      let anywhere = device.isIPv4 ? [UInt8](repeating: 0, count: 4) : [UInt8](repeating: 0, count: 16)
      guard let local = IPAddress(bytes: anywhere) else { throw .notLiteral(host) }
      try LANPolicy(local: local, prefix: 0, exceptions: exceptions).check(url, from: device)
      if !exceptions.contains(url.host), Self.own().contains(url.host) { throw .forbidden("\(url.host)", "our own address") }
      return url
    } catch {
      throw .forbidden("\(error)")
    }
  }

  /// This machine's addresses, which may change at any time.
  private static func own() -> Set<IPAddress> {
    // An error leaves the other checks, and the address of the device itself.
    let devices = (try? System.enumerateDevices()) ?? []
    return Set(devices.compactMap { $0.address?.ipAddress.flatMap { IPAddress($0) } })
  }
}
