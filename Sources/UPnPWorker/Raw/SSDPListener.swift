import CUPnP
import Glibc
import MediaProtocol
import Synchronization

/// What a device said by itself. Text as it came: at most 180 bytes each, which is libupnp's limit.
struct Announcement: Sendable, Equatable {
  var isByebye: Bool
  var device: String
  /// Device type or service type; empty for the root device's own announcement.
  var type: String
  var location: String
  var maxAge: Int
  var source: IPAddress
}

/// libupnp listening for SSDP announcements on one interface. One in a process: libupnp keeps its state in globals.
///
/// libupnp also opens a TCP port for events, and its HTTP and XML code there costs whoever connects nothing and us seconds
/// (5 s for 120 kB, before it looks at who sends). So that port is taken away again, and events come to a listener of ours.
struct SSDPListener {
  /// Readable when there are announcements.
  let wakeup: Int32

  /// Announcements that wait; a burst of 256 devices with 8 each fits. More are dropped: devices announce themselves again.
  static let mostWaiting = 2048
  private static let ports = 49152...65535
  private static let tries = 3

  struct Failure: Error, CustomStringConvertible { let description: String }

  init(interface: String) throws(Failure) {
    var ends: [Int32] = [0, 0]
    guard pipe2(&ends, O_NONBLOCK | O_CLOEXEC) == 0 else { throw Failure(description: "no pipe: \(String(cString: strerror(errno)))") }
    wakeup = ends[0]
    do throws(Failure) { try Self.listen(on: interface, bell: ends[1]) } catch {
      for end in ends { close(end) }
      throw error
    }
  }

  private static func listen(on interface: String, bell: Int32) throws(Failure) {
    let before = openDescriptors()
    try initialise(interface)
    UpnpEnableWebserver(0)
    inbox.withLock { $0.bell = bell }
    var handle: Int32 = 0
    let result = cupnp_register_client(onEvent, &handle)
    guard result == UPNP_E_SUCCESS else {
      UpnpFinish()
      throw Failure(description: "libupnp: \(text(result))")
    }
    for fd in openDescriptors().subtracting(before) { confine(fd, to: interface) }
  }

  func take() -> [Announcement] {
    var drain = [UInt8](repeating: 0, count: 64)
    while read(wakeup, &drain, drain.count) > 0 {}
    return inbox.withLock { box in
      defer { box.waiting = [] }
      return box.waiting
    }
  }

  /// 1.8.4 does not look for a free port when another process has the first one.
  private static func initialise(_ interface: String) throws(Failure) {
    var result: Int32 = 0
    for _ in 0..<tries {
      result = UpnpInit2(interface, UInt16.random(in: UInt16(ports.lowerBound)...UInt16(ports.upperBound)))
      if result == UPNP_E_SUCCESS { return }
      if result != UPNP_E_SOCKET_BIND, result != UPNP_E_LISTEN { break }
    }
    throw Failure(description: "libupnp does not start on \(interface): \(text(result))")
  }

  private static func openDescriptors() -> Set<Int32> {
    Set((0..<Int32(Confinement.descriptors)).filter { fcntl($0, F_GETFD) >= 0 })
  }

  private static func confine(_ fd: Int32, to interface: String) {
    if Socket.isListening(fd) { return takeAway(fd) }
    // Not the one by which libupnp tells its own thread to end: it is on the loopback interface.
    guard Socket.isDatagram(fd), !isOnLoopback(fd) else { return }
    Socket.bind(fd, toDevice: interface)
  }

  /// Closes the port and leaves its number to a socket that is never readable; libupnp's thread keeps waiting on that.
  private static func takeAway(_ fd: Int32) {
    let listening = fcntl(fd, F_DUPFD_CLOEXEC, 0)
    let inert = Socket.inert()
    dup2(inert, fd)
    close(inert)
    // Wakes the thread, which still waits on the old socket.
    shutdown(listening, Int32(SHUT_RDWR))
    close(listening)
  }

  private static func isOnLoopback(_ fd: Int32) -> Bool {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    _ = withUnsafeMutablePointer(to: &storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) } }
    return Socket.address(storage)?.address.isLoopback ?? false
  }

  private static func text(_ code: Int32) -> String { UpnpGetErrorMessage(code).map { String(cString: $0) } ?? "error \(code)" }
}

private struct Inbox {
  var waiting: [Announcement] = []
  var bell: Int32 = -1
}

/// Filled by libupnp's threads, emptied by the worker's.
private let inbox = Mutex(Inbox())

private func onEvent(_ type: Upnp_EventType, _ event: UnsafeRawPointer?, _ cookie: UnsafeMutableRawPointer?) -> Int32 {
  guard type == UPNP_DISCOVERY_ADVERTISEMENT_ALIVE || type == UPNP_DISCOVERY_ADVERTISEMENT_BYEBYE, let event else { return 0 }
  let discovery = OpaquePointer(event)
  guard let from = UpnpDiscovery_get_DestAddr(discovery), let source = Socket.address(from.pointee) else { return 0 }
  let string: (UnsafePointer<CChar>?) -> String = { $0.map { String(cString: $0) } ?? "" }
  let deviceType = string(UpnpDiscovery_get_DeviceType_cstr(discovery))
  let announcement = Announcement(
    isByebye: type == UPNP_DISCOVERY_ADVERTISEMENT_BYEBYE, device: string(UpnpDiscovery_get_DeviceID_cstr(discovery)),
    type: deviceType.isEmpty ? string(UpnpDiscovery_get_ServiceType_cstr(discovery)) : deviceType,
    location: string(UpnpDiscovery_get_Location_cstr(discovery)), maxAge: Int(UpnpDiscovery_get_Expires(discovery)), source: source.address)
  inbox.withLock { box in
    guard box.waiting.count < SSDPListener.mostWaiting else { return }
    box.waiting.append(announcement)
    if box.waiting.count == 1 { _ = write(box.bell, [1], 1) }
  }
  return 0
}
