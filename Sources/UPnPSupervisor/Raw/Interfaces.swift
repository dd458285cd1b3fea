import Glibc

/// The machine's network interfaces, and word of their changes.
enum Interfaces {
  /// Interfaces with an IPv4 address. One with several counts by its first.
  static func all() -> [InterfaceFacts] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var facts: [InterfaceFacts] = []
    var next = list
    while let entry = next?.pointee {
      next = entry.ifa_next
      let name = String(cString: entry.ifa_name)
      guard let address = four(entry.ifa_addr), let mask = four(entry.ifa_netmask), !facts.contains(where: { $0.name == name }) else { continue }
      let has: (Int) -> Bool = { entry.ifa_flags & UInt32($0) != 0 }
      facts.append(InterfaceFacts(
        name: name, index: if_nametoindex(entry.ifa_name), address: address.map(String.init).joined(separator: "."),
        prefix: mask.reduce(0) { $0 + $1.nonzeroBitCount }, isUp: has(Int(IFF_UP)) && has(Int(IFF_RUNNING)),
        isLoopback: has(Int(IFF_LOOPBACK)), isPointToPoint: has(Int(IFF_POINTOPOINT)), hasMulticast: has(Int(IFF_MULTICAST))))
    }
    return facts
  }

  /// A routing socket that is readable when links or IPv4 addresses change (rtnetlink(7)). nil where it is not allowed.
  static func changes() -> Int32? {
    let fd = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard fd >= 0 else { return nil }
    // struct sockaddr_nl: family, pad, port id (the kernel's choice), groups RTMGRP_LINK | RTMGRP_IPV4_IFADDR.
    var address: (UInt16, UInt16, UInt32, UInt32) = (UInt16(AF_NETLINK), 0, 0, 0x1 | 0x10)
    let result = withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, 12) } }
    guard result == 0 else {
      close(fd)
      return nil
    }
    return fd
  }

  private static func four(_ pointer: UnsafeMutablePointer<sockaddr>?) -> [UInt8]? {
    guard let pointer, Int32(pointer.pointee.sa_family) == AF_INET else { return nil }
    return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { four in withUnsafeBytes(of: four.pointee.sin_addr) { Array($0) } }
  }
}
