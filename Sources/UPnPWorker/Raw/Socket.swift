// sockaddr_storage is CUPnP's here: its header is the first to bring it.
import CUPnP
import Glibc
import MediaProtocol

/// POSIX sockets, non-blocking and closed on exec. Every call says what failed.
enum Socket {
  struct Failure: Error, CustomStringConvertible {
    let call: String
    let code: Int32
    init(_ call: String, _ code: Int32 = errno) {
      self.call = call
      self.code = code
    }
    var description: String { "\(call): \(String(cString: strerror(code)))" }
  }

  /// Begins to connect; the socket is writable when it has, or has failed.
  static func connect(to address: IPAddress, port: UInt16, from local: IPAddress?, interface: String?) throws(Failure) -> Int32 {
    let fd = try open(SOCK_STREAM, address)
    return try closing(fd) { () throws(Failure) in
      if let interface { bind(fd, toDevice: interface) }
      if let local { try bind(fd, local, 0) }
      try set(fd, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
      let result = withAddress(address, port) { Glibc.connect(fd, $0, $1) }
      if result != 0, errno != EINPROGRESS { throw Failure("connect") }
      return fd
    }
  }

  /// Listens on a port that the system chooses.
  static func listen(on address: IPAddress, interface: String?, backlog: Int32) throws(Failure) -> (descriptor: Int32, port: UInt16) {
    let fd = try open(SOCK_STREAM, address)
    return try closing(fd) { () throws(Failure) in
      if let interface { bind(fd, toDevice: interface) }
      try bind(fd, address, 0)
      guard Glibc.listen(fd, backlog) == 0, let port = name(fd, getsockname)?.port else { throw Failure("listen") }
      return (fd, port)
    }
  }

  /// For searches: sends to the group by this interface, and gets the answers.
  static func search(from local: IPAddress, interface: String?) throws(Failure) -> Int32 {
    let fd = try open(SOCK_DGRAM, local)
    return try closing(fd) { () throws(Failure) in
      if let interface { bind(fd, toDevice: interface) }
      try bind(fd, local, 0)
      var address = in_addr(s_addr: number(local))
      guard setsockopt(fd, Int32(IPPROTO_IP), IP_MULTICAST_IF, &address, socklen_t(MemoryLayout<in_addr>.size)) == 0 else { throw Failure("IP_MULTICAST_IF") }
      // UPnP Device Architecture 1.1, 1.3.2: 2.
      try set(fd, Int32(IPPROTO_IP), IP_MULTICAST_TTL, 2)
      return fd
    }
  }

  /// A socket that nobody uses: never readable.
  static func inert() -> Int32 { socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0) }

  static func accept(_ fd: Int32) -> (descriptor: Int32, from: IPAddress)? {
    let accepted = cupnp_accept(fd)
    guard accepted >= 0 else { return nil }
    guard let peer = name(accepted, getpeername) else {
      close(accepted)
      return nil
    }
    return (accepted, peer.address)
  }

  /// What the last connect came to; 0 is success.
  static func error(of fd: Int32) -> Int32 { option(fd, SOL_SOCKET, SO_ERROR) ?? EBADF }
  static func isListening(_ fd: Int32) -> Bool { option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1 }
  static func isDatagram(_ fd: Int32) -> Bool { option(fd, SOL_SOCKET, SO_TYPE) == Int32(SOCK_DGRAM.rawValue) }

  /// Packets leave and arrive by this interface only. Needs no privilege since Linux 5.7; before, the checks of addresses must do.
  static func bind(_ fd: Int32, toDevice interface: String) {
    _ = interface.withCString { setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, $0, socklen_t(strlen($0) + 1)) }
  }

  static func set(_ fd: Int32, _ level: Int32, _ name: Int32, _ value: Int32) throws(Failure) {
    var value = value
    guard setsockopt(fd, level, name, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else { throw Failure("setsockopt \(name)") }
  }

  /// - Returns: bytes sent, or nil when the peer is gone; 0 when it would block.
  static func send(_ fd: Int32, _ bytes: ArraySlice<UInt8>) -> Int? {
    let count = bytes.withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    if count >= 0 { return count }
    return errno == EAGAIN || errno == EINTR ? 0 : nil
  }

  enum Received { case bytes([UInt8], from: IPAddress?), wouldBlock, ended, failed(Int32) }

  static func receive(_ fd: Int32, atMost limit: Int) -> Received {
    var from = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    var count = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
      count = withUnsafeMutablePointer(to: &from) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(fd, buffer.baseAddress, limit, 0, $0, &length) }
      }
      initialized = max(0, count)
    }
    if count > 0 { return .bytes(bytes, from: address(from)?.address) }
    if count == 0 { return .ended }
    return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno)
  }

  static func send(_ fd: Int32, _ bytes: [UInt8], to address: IPAddress, port: UInt16) -> Bool {
    withAddress(address, port) { pointer, length in
      bytes.withUnsafeBytes { sendto(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL), pointer, length) } == bytes.count
    }
  }

  static func address(_ storage: sockaddr_storage) -> (address: IPAddress, port: UInt16)? {
    let family = Int32(storage.ss_family)
    return withUnsafeBytes(of: storage) { raw in
      switch family {
      case AF_INET:
        let four = raw.loadUnaligned(as: sockaddr_in.self)
        return withUnsafeBytes(of: four.sin_addr) { IPAddress(bytes: Array($0)) }.map { ($0, UInt16(bigEndian: four.sin_port)) }
      case AF_INET6:
        let six = raw.loadUnaligned(as: sockaddr_in6.self)
        return withUnsafeBytes(of: six.sin6_addr) { IPAddress(bytes: Array($0)) }.map { ($0, UInt16(bigEndian: six.sin6_port)) }
      default: return nil
      }
    }
  }

  private static func open(_ type: __socket_type, _ address: IPAddress) throws(Failure) -> Int32 {
    let fd = socket(address.isIPv4 ? AF_INET : AF_INET6, Int32(type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard fd >= 0 else { throw Failure("socket") }
    return fd
  }

  private static func closing<T>(_ fd: Int32, _ body: () throws(Failure) -> T) throws(Failure) -> T {
    do { return try body() } catch {
      close(fd)
      throw error
    }
  }

  private static func bind(_ fd: Int32, _ address: IPAddress, _ port: UInt16) throws(Failure) {
    guard withAddress(address, port, { Glibc.bind(fd, $0, $1) }) == 0 else { throw Failure("bind \(address)") }
  }

  private static func option(_ fd: Int32, _ level: Int32, _ name: Int32) -> Int32? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(fd, level, name, &value, &length) == 0 ? value : nil
  }

  private static func name(
    _ fd: Int32, _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> (address: IPAddress, port: UInt16)? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(fd, $0, &length) } }
    return result == 0 ? address(storage) : nil
  }

  private static func number(_ address: IPAddress) -> UInt32 { address.bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) } }

  private static func withAddress<T>(_ address: IPAddress, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
    if address.isIPv4 {
      var four = sockaddr_in()
      four.sin_family = sa_family_t(AF_INET)
      four.sin_port = port.bigEndian
      four.sin_addr.s_addr = number(address)
      return withUnsafePointer(to: &four) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) } }
    }
    var six = sockaddr_in6()
    six.sin6_family = sa_family_t(AF_INET6)
    six.sin6_port = port.bigEndian
    withUnsafeMutableBytes(of: &six.sin6_addr) { $0.copyBytes(from: address.bytes) }
    return withUnsafePointer(to: &six) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in6>.size)) } }
  }
}
