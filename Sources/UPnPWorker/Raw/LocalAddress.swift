import Glibc
import MediaProtocol

/// The first IPv4 address of an interface and the length of its prefix. nil when it has none.
func localAddress(of interface: String) -> (address: IPAddress, prefix: Int)? {
  var list: UnsafeMutablePointer<ifaddrs>?
  guard getifaddrs(&list) == 0 else { return nil }
  defer { freeifaddrs(list) }
  var next = list
  while let entry = next?.pointee {
    next = entry.ifa_next
    guard String(cString: entry.ifa_name) == interface, let address = four(entry.ifa_addr), let mask = four(entry.ifa_netmask) else { continue }
    return (address, mask.bytes.reduce(0) { $0 + $1.nonzeroBitCount })
  }
  return nil
}

private func four(_ pointer: UnsafeMutablePointer<sockaddr>?) -> IPAddress? {
  guard let pointer, Int32(pointer.pointee.sa_family) == AF_INET else { return nil }
  return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { four in
    withUnsafeBytes(of: four.pointee.sin_addr) { IPAddress(bytes: Array($0)) }
  }
}
