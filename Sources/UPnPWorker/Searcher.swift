import Glibc
import MediaProtocol

/// Searches from a socket of our own, bound to the interface: libupnp 1.8.4 sends its searches by the default route, whatever interface it was given.
final class Searcher {
  /// Searches at the start, in milliseconds: packets get lost, and a waking network loses the first.
  private static let first = [0, 400, 1500, 4000]
  /// Devices announce themselves; this only finds those whose announcements get lost.
  private static let laterSeconds = 900
  /// Seconds over which devices spread their answers.
  private static let mx = 1
  /// After a goodbye; at most one in this time.
  private static let soonSeconds = 2
  /// Answers read before others get their turn.
  private static let batch = 64
  private static let longest = 4096

  private let loop: EventLoop
  private let descriptor: Int32
  private let target: (address: IPAddress, port: UInt16)
  private let heard: (_ answer: [UInt8], _ from: IPAddress) -> Void
  private var soon: EventLoop.TimerID?

  /// - Parameter target: whom to ask; the group, but in tests.
  init(
    loop: EventLoop, local: IPAddress, interface: String?, target: (IPAddress, UInt16) = (SSDP.group, SSDP.port),
    heard: @escaping ([UInt8], IPAddress) -> Void
  ) throws(Socket.Failure) {
    descriptor = try Socket.search(from: local, interface: interface)
    self.target = target
    self.loop = loop
    self.heard = heard
    loop.whenReadable(descriptor) { [weak self] in self?.read() }
  }

  deinit { close(descriptor) }

  func start() {
    for delay in Self.first { loop.after(.milliseconds(delay)) { [weak self] in self?.search() } }
    again()
  }

  func searchSoon() {
    guard soon == nil else { return }
    soon = loop.after(.seconds(Self.soonSeconds)) { [weak self] in
      self?.soon = nil
      self?.search()
    }
  }

  private func again() {
    loop.after(.seconds(Self.laterSeconds)) { [weak self] in
      self?.search()
      self?.again()
    }
  }

  /// A packet that is not sent (no buffer, network down for a moment) is like one that is lost.
  private func search() {
    for type in SSDP.targets { _ = Socket.send(descriptor, SSDP.search(type, mx: Self.mx), to: target.address, port: target.port) }
  }

  private func read() {
    for _ in 0..<Self.batch {
      guard case .bytes(let bytes, let from?) = Socket.receive(descriptor, atMost: Self.longest) else { return }
      heard(bytes, from)
    }
  }
}
