import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import Glibc
import LinkTransport
import Logging
import NIOCore
import NIOPosix
import SwiftProtobuf
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct LinkTransportTests {
  private func envelope(_ count: Int = 3) -> Cpns_V1_Envelope {
    var envelope = Cpns_V1_Envelope()
    envelope.body = Data(repeating: 5, count: count)
    return envelope
  }

  private func frame(_ envelope: Cpns_V1_Envelope) -> [UInt8] {
    let body = envelope.bytes
    return FrameEncoder.header(length: body.count) + body
  }

  // MARK: An adopted descriptor

  /// A link over one end of a socketpair; the test has the other.
  private func withLink(_ body: @escaping @Sendable (any Link) async -> Void, peer: @escaping @Sendable (CInt) async throws -> Void) async throws {
    var ends: [CInt] = [0, 0]
    try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let (ours, theirs) = (ends[0], ends[1])
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await LinkConnector(group: .singletonMultiThreadedEventLoopGroup).withLink(adopting: ours, body) }
      try await peer(theirs)
      try await group.waitForAll()
    }
  }

  private func put(_ bytes: [UInt8], _ descriptor: CInt) {
    var rest = bytes[...]
    while !rest.isEmpty { rest = rest.dropFirst(max(0, rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) })) }
  }

  private func get(_ descriptor: CInt) -> [UInt8] {
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while case let count = Glibc.read(descriptor, &piece, piece.count), count > 0 { all += piece[..<count] }
    return all
  }

  @Test func whatWasSentLeavesBeforeTheLinkCloses() async throws {
    let big = envelope(900_000)
    try await withLink { link in
      try? await link.send(big)
    } peer: { descriptor in
      let bytes = await onAThread { get(descriptor) }
      #expect(bytes == frame(big))
      close(descriptor)
    }
  }

  /// What ends a link, and how it is told.
  private func ending(of bytes: [UInt8]) async throws -> (taken: Int, end: Result<Void, LinkError>) {
    let outcome = Mutex<(Int, Result<Void, LinkError>)>((0, .success(())))
    try await withLink { link in
      var taken = 0
      do throws(LinkError) {
        while try await link.receive() != nil { taken += 1 }
        outcome.withLock { [taken] in $0 = (taken, .success(())) }
      } catch {
        outcome.withLock { [taken] in $0 = (taken, .failure(error)) }
      }
    } peer: { descriptor in
      put(bytes, descriptor)
      shutdown(descriptor, CInt(SHUT_WR))
      _ = await onAThread { get(descriptor) }
      close(descriptor)
    }
    return outcome.withLock { $0 }
  }

  @Test func framesComeInOrderToTheEnd() async throws {
    let (taken, end) = try await ending(of: (0..<50).flatMap { _ in frame(envelope(10)) })
    #expect(taken == 50)
    #expect((try? end.get()) != nil)
  }

  @Test func aFrameThatIsTooLongEndsTheLinkWithBothNumbers() async throws {
    let (taken, end) = try await ending(of: FrameEncoder.header(length: Limits.frameBeforeHello + 1) + [1])
    #expect(taken == 0)
    #expect(end.failure == .malformed("a frame of \(Limits.frameBeforeHello + 1) bytes was announced, \(Limits.frameBeforeHello) are taken now"))
  }

  @Test func aFrameThatIsCutEndsTheLinkAfterTheWholeOnes() async throws {
    let (taken, end) = try await ending(of: frame(envelope()) + frame(envelope()).dropLast())
    #expect(taken == 1)
    #expect(end.failure == .malformed("the stream ended inside a frame"))
  }

  @Test func aFrameThatIsNoEnvelopeEndsTheLink() async throws {
    let (taken, end) = try await ending(of: frame(envelope()) + FrameEncoder.header(length: 3) + [0xFF, 0xFF, 0xFF])
    #expect(taken == 1)
    #expect(end.failure == .malformed("a frame is not an Envelope"))
  }

  @Test func anEmptyFrameEndsTheLink() async throws {
    let (_, end) = try await ending(of: [0, 0, 0, 0])
    #expect(end.failure == .malformed("an empty frame"))
  }

  /// The peer has our Hello and sends a snapshot, while we still look at its Hello.
  @Test func aLongFrameRightBehindTheHelloWaitsUntilTheHelloIsTaken() async throws {
    let sizes = Mutex<[Int]>([])
    try await withLink { link in
      for _ in 0..<2 {
        guard let envelope = try? await link.receive() else { return }
        sizes.withLock { $0.append(envelope.body.count) }
        link.accept(framesUpTo: Limits.frame)
      }
    } peer: { descriptor in
      await onAThread { put(frame(envelope(10)) + frame(envelope(500_000)), descriptor) }
      _ = await onAThread { get(descriptor) }
      close(descriptor)
    }
    #expect(sizes.withLock { $0 } == [10, 500_000])
  }

  // MARK: Back-pressure

  /// A reader that takes nothing holds the sender up after what fits between them: while another link makes 300 round trips, not one
  /// more frame leaves. When it reads on, all comes.
  @Test func aSlowReaderHoldsUpItsSenderAndNobodyElse() async throws {
    let frames = 400
    let (sent, taken) = (Counter(), Counter())
    let goOn = AsyncStream<Void>.makeStream()
    try await withListener { link in
      guard case .some = try? await link.receive() else { return }
      link.accept(framesUpTo: Limits.frame)
      for await _ in goOn.stream { break }
      while (try? await link.receive()) ?? nil != nil { taken.up() }
    } echo: { port, echoPort in
      async let flooded: Void = flood(port, frames, sent)
      try await settled(echoPort) { sent.value }
      #expect(sent.value < frames / 2, "\(sent.value) frames were sent to somebody who reads none")
      goOn.continuation.yield()
      try await flooded
    }
    #expect(sent.value == frames)
    #expect(taken.value == frames)
  }

  private func flood(_ port: Int, _ frames: Int, _ sent: Counter) async throws {
    try await LinkConnector(group: .singletonMultiThreadedEventLoopGroup).withLink(to: "127.0.0.1:\(port)", security: .plain) { link in
      try? await link.send(envelope())
      for _ in 0..<frames {
        guard (try? await link.send(envelope(64_000))) != nil else { return }
        sent.up()
      }
    }
  }

  /// Waits until `value` stays the same for 300 round trips on another link.
  private func settled(_ port: Int, _ value: @escaping @Sendable () -> Int) async throws {
    try await LinkConnector(group: .singletonMultiThreadedEventLoopGroup).withLink(to: "127.0.0.1:\(port)", security: .plain) { link in
      var (last, quiet) = (-1, 0)
      while quiet < 300 {
        try? await link.send(envelope())
        guard case .some = try? await link.receive() else { return }
        let now = value()
        quiet = now == last && now > 0 ? quiet + 1 : 0
        last = now
      }
    }
  }

  /// Two listeners: one that does what the test says, and one that echoes.
  private func withListener(
    bounds: LinkBounds = LinkBounds(), _ accept: @escaping @Sendable (any Link) async -> Void,
    echo: @escaping @Sendable (_ port: Int, _ echoPort: Int) async throws -> Void
  ) async throws {
    let logger = Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      var ports: [Int] = []
      let echoing: @Sendable (any Link) async -> Void = { link in
        while let envelope = (try? await link.receive()) ?? nil { try? await link.send(envelope) }
      }
      let both: [@Sendable (any Link) async -> Void] = [accept, echoing]
      for serve in both {
        let bound = AsyncStream<Int>.makeStream()
        group.addTask {
          try await LinkListener(group: .singletonMultiThreadedEventLoopGroup, bounds: bounds, logger: logger).serve(
            address: "127.0.0.1", port: 0, security: .plain, bound: { bound.continuation.yield($0) }, accept: serve)
        }
        ports.append(try #require(await bound.stream.first { _ in true }))
      }
      try await echo(ports[0], ports[1])
      group.cancelAll()
    }
  }

  // MARK: Bounds and ends

  /// The one that was silent longest goes, and who speaks gets through.
  @Test func strangersThatOnlyHoldPlacesKeepNobodyOut() async throws {
    var bounds = LinkBounds()
    bounds.strangersPerAddress = 3
    try await withListener(bounds: bounds) { link in
      while let envelope = (try? await link.receive()) ?? nil {
        link.accept(framesUpTo: Limits.frame)
        try? await link.send(envelope)
      }
    } echo: { port, _ in
      let connector = LinkConnector(group: .singletonMultiThreadedEventLoopGroup)
      try await connector.withLink(to: "127.0.0.1:\(port)", security: .plain) { known in
        try? await known.send(envelope())
        #expect(((try? await known.receive()) ?? nil) != nil)
        #expect(known.peer.address == "127.0.0.1:\(port)")
        let silent = (0..<5).map { _ in connected(port) }
        await untilEnded(2, of: silent)
        try? await known.send(envelope())
        #expect(((try? await known.receive()) ?? nil) != nil, "who is past Hello stays")
        for descriptor in silent { close(descriptor) }
      }
      try await connector.withLink(to: "127.0.0.1:\(port)", security: .plain) { link in
        try? await link.send(envelope())
        #expect(((try? await link.receive()) ?? nil) != nil)
      }
    }
  }

  @Test func oneLinkTooManyIsTurnedAway() async throws {
    var bounds = LinkBounds()
    bounds.links = 1
    try await withListener(bounds: bounds) { link in
      while (try? await link.receive()) ?? nil != nil { link.accept(framesUpTo: Limits.frame) }
    } echo: { port, _ in
      let both = [connected(port), connected(port)]
      await untilEnded(1, of: both)
      for descriptor in both { close(descriptor) }
    }
  }

  @Test func linksAreCountedByAddress() async throws {
    var bounds = LinkBounds()
    bounds.linksPerAddress = 1
    let accepted = AsyncStream<String>.makeStream()
    try await withListener(bounds: bounds) { link in
      accepted.continuation.yield(String(link.peer.address.prefix { $0 != ":" }))
      while (try? await link.receive()) ?? nil != nil {}
    } echo: { port, _ in
      let all = [connected(port), connected(port), connected(port, from: "127.0.0.2")]
      await untilEnded(1, of: all)
      var addresses: Set<String> = []
      for await address in accepted.stream {
        addresses.insert(address)
        if addresses.count == 2 { break }
      }
      #expect(addresses == ["127.0.0.1", "127.0.0.2"])
      for descriptor in all { close(descriptor) }
    }
  }

  /// Waits until the other side has ended that many of them.
  private func untilEnded(_ count: Int, of descriptors: [CInt]) async {
    await onAThread {
      var open = descriptors
      while open.count > descriptors.count - count {
        var polls = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&polls, nfds_t(polls.count), -1)
        open = polls.filter { $0.revents == 0 }.map(\.fd)
      }
    }
  }

  private func connected(_ port: Int, from source: String = "127.0.0.1") -> CInt {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    withAddress(source, 0) { _ = bind(descriptor, $0, $1) }
    withAddress("127.0.0.1", port) { _ = connect(descriptor, $0, $1) }
    return descriptor
  }

  private func withAddress(_ host: String, _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Void) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr(host)
    withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }

  /// The refusal must not be destroyed by the reset that unread bytes cause.
  @Test func whatWasSaidBeforeClosingArrivesThoughThePeerStillTalks() async throws {
    try await withListener { link in
      guard case .some = try? await link.receive() else { return }
      try? await link.send(envelope(7))
    } echo: { port, _ in
      try await LinkConnector(group: .singletonMultiThreadedEventLoopGroup).withLink(to: "127.0.0.1:\(port)", security: .plain) { link in
        for _ in 0..<20 { try? await link.send(envelope(1_000)) }
        #expect(((try? await link.receive()) ?? nil)?.body.count == 7)
      }
    }
  }

  @Test func nobodyListeningIsToldWithAddressAndReason() async throws {
    let free = try await freePort()
    let error = await #expect(throws: LinkError.self) {
      try await LinkConnector(group: .singletonMultiThreadedEventLoopGroup).withLink(to: "127.0.0.1:\(free)", security: .plain) { _ in }
    }
    #expect(error == .unreachable("127.0.0.1 port \(free): Connection refused"))
  }

  @Test func aPortThatIsTakenIsToldWithAddressAndReason() async throws {
    try await withListener { _ in } echo: { port, _ in
      let error = await #expect(throws: LinkError.self) {
        try await LinkListener(group: .singletonMultiThreadedEventLoopGroup, logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
          .serve(address: "127.0.0.1", port: port, security: .plain, bound: { _ in }, accept: { _ in })
      }
      #expect(error == .unreachable("can't listen on 127.0.0.1 port \(port): Address already in use"))
    }
  }

  private func freePort() async throws -> Int {
    let port = Mutex(0)
    try await withListener { _ in } echo: { taken, _ in port.withLock { $0 = taken } }
    return port.withLock { $0 }
  }

  /// A connection that never comes about, and a handshake that never ends, do not outlive the task.
  @Test func cancellingEndsWhatWaits() async throws {
    try await withListener { _ in } echo: { port, _ in
      let started = AsyncStream<Void>.makeStream()
      await withTaskGroup(of: LinkError?.self) { group in
        group.addTask {
          let never = LinkSecurity(install: { _, _ in started.continuation.yield() }, credential: { _ in nil }, meaning: { _ in nil })
          do throws(LinkError) {
            try await LinkConnector(group: .singletonMultiThreadedEventLoopGroup).withLink(to: "127.0.0.1:\(port)", security: never) { _ in }
            return nil
          } catch { return error }
        }
        for await _ in started.stream { break }
        group.cancelAll()
        let ended = await group.next() ?? nil
        #expect(ended != nil)
      }
    }
  }

  @Test(arguments: [("10.0.0.1:7415", "10.0.0.1", 7415), ("[::1]:1", "::1", 1), ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65_535), ("gw.local:7415", "gw.local", 7415)])
  func addressesAreSplit(text: String, host: String, port: Int) throws {
    let split = try #require(LinkConnector.split(text))
    #expect(split.host == host && split.port == port)
  }

  @Test(arguments: ["", "host", "host:", ":1", "host:0", "host:65536", "host:-1", "::1:7415", "[]:1", "host:x"])
  func whatIsNoAddressIsRefused(text: String) { #expect(LinkConnector.split(text) == nil) }

  @Test func aLinkOverIPv6Works() async throws {
    let logger = Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }
    let bound = AsyncStream<Int>.makeStream()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await LinkListener(group: .singletonMultiThreadedEventLoopGroup, logger: logger).serve(
          address: "", port: 0, security: .plain, bound: { bound.continuation.yield($0) },
          accept: { link in if let envelope = (try? await link.receive()) ?? nil { try? await link.send(envelope) } })
      }
      let port = try #require(await bound.stream.first { _ in true })
      for host in ["[::1]", "127.0.0.1", "localhost"] {
        try await LinkConnector(group: .singletonMultiThreadedEventLoopGroup).withLink(to: "\(host):\(port)", security: .plain) { link in
          try? await link.send(envelope())
          #expect(((try? await link.receive()) ?? nil) != nil)
        }
      }
      group.cancelAll()
    }
  }
}

extension LinkSecurity {
  /// TCP with nothing on it, which calls itself proved as soon as it is connected.
  fileprivate static var plain: LinkSecurity {
    LinkSecurity(
      install: { channel, _ in try channel.pipeline.syncOperations.addHandler(Proved()) },
      credential: { $0 is Proved.Event ? LinkPeer.Credential.none : nil }, meaning: { _ in nil })
  }
}

private final class Proved: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  struct Event {}
  func channelActive(context: ChannelHandlerContext) {
    context.fireChannelActive()
    context.fireUserInboundEventTriggered(Event())
  }
}

private final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  var value: Int { count.load(ordering: .relaxed) }
  func up() { count.add(1, ordering: .relaxed) }
}

extension Result {
  fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}

/// Runs what blocks on a thread of its own.
private func onAThread<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread { continuation.resume(returning: work()) }
  }
}
