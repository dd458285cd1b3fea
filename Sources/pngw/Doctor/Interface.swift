import Diagnosis
import Glibc

/// The machine's network interfaces, those without an address among them.
enum Interface {
  static func all() -> [LANRule.Interface] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var found: [LANRule.Interface] = []
    var next = list
    while let entry = next?.pointee {
      next = entry.ifa_next
      let name = String(cString: entry.ifa_name)
      let address = four(entry.ifa_addr)
      if let index = found.firstIndex(where: { $0.name == name }) {
        if found[index].address == nil { found[index].address = address }
        continue
      }
      let has: (Int) -> Bool = { entry.ifa_flags & UInt32($0) != 0 }
      found.append(.init(
        name: name, isUp: has(Int(IFF_UP)), hasCarrier: has(Int(IFF_RUNNING)), address: address, isLoopback: has(Int(IFF_LOOPBACK)),
        hasMulticast: has(Int(IFF_MULTICAST)), isPointToPoint: has(Int(IFF_POINTOPOINT))))
    }
    return found
  }

  private static func four(_ pointer: UnsafeMutablePointer<sockaddr>?) -> String? {
    guard let pointer, CInt(pointer.pointee.sa_family) == AF_INET else { return nil }
    return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { four in
      withUnsafeBytes(of: four.pointee.sin_addr) { $0.map { "\($0)" }.joined(separator: ".") }
    }
  }
}
