import Diagnosis
import Glibc

/// Sends a packet to a multicast group on one interface, and waits for it to come back: through this machine's own firewall and stack.
struct MulticastProbe {
  private static let milliseconds: CInt = 1000

  let group: String
  let port: Int
  /// Our own address on the interface.
  let address: String

  /// - Parameter message: what devices that hear it ignore; its bytes tell ours from others'.
  func run(_ message: [UInt8]) -> LANRule.RoundTrip {
    let receiver = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    let sender = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    defer {
      close(receiver)
      close(sender)
    }
    guard receiver >= 0, sender >= 0 else { return .failed(reason) }
    if let why = listen(receiver) ?? send(message, from: sender) { return .failed(why) }
    return waitFor(message, on: receiver)
  }

  private func listen(_ descriptor: CInt) -> String? {
    var yes: CInt = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
    var place = Self.place("0.0.0.0", port)
    guard bindTo(&place, descriptor) == 0 else { return "port \(port): \(reason)" }
    var membership = ip_mreq(imr_multiaddr: Self.place(group, 0).sin_addr, imr_interface: Self.place(address, 0).sin_addr)
    guard setsockopt(descriptor, CInt(IPPROTO_IP), IP_ADD_MEMBERSHIP, &membership, socklen_t(MemoryLayout<ip_mreq>.size)) == 0 else { return "joining: \(reason)" }
    return nil
  }

  private func send(_ message: [UInt8], from descriptor: CInt) -> String? {
    var interface = Self.place(address, 0).sin_addr
    guard setsockopt(descriptor, CInt(IPPROTO_IP), IP_MULTICAST_IF, &interface, socklen_t(MemoryLayout<in_addr>.size)) == 0 else { return "choosing the interface: \(reason)" }
    var target = Self.place(group, port)
    let sent = withUnsafePointer(to: &target) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(descriptor, message, message.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    return sent == message.count ? nil : "sending: \(reason)"
  }

  private func waitFor(_ message: [UInt8], on descriptor: CInt) -> LANRule.RoundTrip {
    let deadline = ContinuousClock.now + .milliseconds(Int(Self.milliseconds))
    var buffer = [UInt8](repeating: 0, count: 4096)
    while ContinuousClock.now < deadline {
      let left = (deadline - ContinuousClock.now) / .milliseconds(1)
      var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&wanted, 1, CInt(max(1, left))) > 0 else { return .lost }
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count == message.count, buffer[..<count].elementsEqual(message) { return .back }
    }
    return .lost
  }

  private var reason: String { String(cString: strerror(errno)) }

  private func bindTo(_ place: inout sockaddr_in, _ descriptor: CInt) -> CInt {
    withUnsafePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }

  private static func place(_ address: String, _ port: Int) -> sockaddr_in {
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_port = UInt16(port).bigEndian
    inet_pton(AF_INET, address, &place.sin_addr)
    return place
  }
}
