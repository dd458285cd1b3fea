import Diagnosis
import Glibc

/// One address of a server, and a connection to it. Blocks, for a bounded time.
struct SocketEnd {
  struct Failure: Error { let text: String }

  struct Connection {
    let result: ServerRule.Connection
    let descriptor: CInt

    func close() { if descriptor >= 0 { Glibc.close(descriptor) } }
  }

  /// As text, without the port.
  let text: String
  private let address: sockaddr_storage
  private let length: socklen_t
  private let family: CInt

  static func lookUp(_ host: String, port: Int) -> Result<[SocketEnd], Failure> {
    var hints = addrinfo()
    hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, "\(port)", &hints, &list)
    guard code == 0 else { return .failure(Failure(text: String(cString: gai_strerror(code)))) }
    defer { freeaddrinfo(list) }
    var ends: [SocketEnd] = []
    var next = list
    while let entry = next?.pointee {
      next = entry.ai_next
      if let end = SocketEnd(entry) { ends.append(end) }
    }
    return .success(ends)
  }

  private init?(_ entry: addrinfo) {
    guard let pointer = entry.ai_addr, Int(entry.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size else { return nil }
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: Int(entry.ai_addrlen))) }
    var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    guard getnameinfo(pointer, entry.ai_addrlen, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0 else { return nil }
    text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    (address, length, family) = (storage, entry.ai_addrlen, entry.ai_family)
  }

  /// - Returns: with a descriptor that is to be closed.
  func connect(within seconds: Int) -> Connection {
    let descriptor = socket(family, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { return Connection(result: .other(String(cString: strerror(errno))), descriptor: -1) }
    let began = withAddress { Glibc.connect(descriptor, $0, length) }
    var code = began == 0 ? 0 : errno
    if code == EINPROGRESS {
      var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&wanted, 1, CInt(seconds * 1000)) > 0 else { return Connection(result: .silent(seconds: seconds), descriptor: descriptor) }
      var size = socklen_t(MemoryLayout<CInt>.size)
      getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
    }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    return Connection(result: Self.meaning(of: code), descriptor: descriptor)
  }

  private static func meaning(of code: CInt) -> ServerRule.Connection {
    switch code {
    case 0: .connected
    case ECONNREFUSED: .refused
    case ENETUNREACH, EHOSTUNREACH, ENETDOWN: .noRoute(String(cString: strerror(code)))
    case ETIMEDOUT: .silent(seconds: 0)
    default: .other(String(cString: strerror(code)))
    }
  }

  /// Our own address on the way there; nil when there is no way.
  var source: String? {
    let descriptor = socket(family, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { Glibc.close(descriptor) }
    guard withAddress({ Glibc.connect(descriptor, $0, length) }) == 0 else { return nil }
    var own = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let isKnown = withUnsafeMutablePointer(to: &own) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        getsockname(descriptor, raw, &size) == 0 && getnameinfo(raw, size, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0
      }
    }
    return isKnown ? String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
  }

  private func withAddress<T>(_ body: (UnsafePointer<sockaddr>) -> T) -> T {
    withUnsafePointer(to: address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
  }
}
