import Foundation
import NIOCore
import NIOEmbedded
import OpenSSLTLS
import Synchronization
import Testing

/// The handler alone: two ends in memory, bytes carried by hand, and a clock that the test moves.
@Suite struct TLSHandlerTests {
  /// What an end saw, beside plaintext.
  final class Witness: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    var established: TLSEstablished?
    var errors: [TLSError] = []
    var isOver = false

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if let event = event as? TLSEstablished { established = event }
      context.fireUserInboundEventTriggered(event)
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      if let error = error as? TLSError { errors.append(error) }
    }
    func channelInactive(context: ChannelHandlerContext) {
      isOver = true
      context.fireChannelInactive()
    }
  }

  struct End {
    let channel: EmbeddedChannel
    let witness = Witness()

    init(_ context: TLSContext, host: String? = nil, rejected: (@Sendable (String, String) -> Void)? = nil) throws {
      channel = EmbeddedChannel()
      try channel.pipeline.syncOperations.addHandlers([try TLSHandler(context, host: host, rejected: rejected), witness])
      channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    }

    func read() throws -> [UInt8] {
      var all: [UInt8] = []
      while let buffer = try channel.readInbound(as: ByteBuffer.self) { all += buffer.readableBytesView }
      return all
    }

    func write(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
  }

  /// Carries bytes both ways until none are left, in pieces of at most `size`.
  private func carry(_ a: End, _ b: End, size: Int = .max) throws {
    var moved = true
    while moved {
      moved = false
      for (from, to) in [(a, b), (b, a)] {
        while var bytes = try from.channel.readOutbound(as: ByteBuffer.self) {
          moved = true
          while let piece = bytes.readSlice(length: min(size, bytes.readableBytes)), piece.readableBytes > 0 {
            if to.channel.isActive { to.channel.pipeline.fireChannelRead(piece) }
          }
        }
      }
    }
  }

  private static let key = [UInt8](repeating: 7, count: 32)

  private func pair(size: Int = .max) throws -> (client: End, server: End) {
    let server = try End(.pskServer { $0 == "pair" ? Self.key : nil })
    let client = try End(.pskClient(identity: "pair", key: Self.key))
    try carry(client, server, size: size)
    return (client, server)
  }

  @Test func aStrangerThatSaysNothingIsDroppedAtTheHandshakeBound() throws {
    let rejected = Mutex(0)
    let server = try End(.pskServer { _ in nil }, rejected: { _, _ in rejected.withLock { $0 += 1 } })
    server.channel.embeddedEventLoop.advanceTime(by: .seconds(Int64(TLSHandler.handshakeSeconds) - 1))
    #expect(server.channel.isActive)
    server.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!server.channel.isActive)
    #expect(server.witness.errors == [.timedOut])
    #expect(rejected.withLock { $0 } == 0)
  }

  @Test func aFinishedHandshakeIsNotTimedOut() throws {
    let (client, server) = try pair()
    for end in [client, server] {
      end.channel.embeddedEventLoop.advanceTime(by: .seconds(Int64(TLSHandler.handshakeSeconds) * 2))
      #expect(end.channel.isActive)
    }
  }

  @Test(arguments: [1, 7, 16_384])
  func bytesArriveWholeHoweverTheyAreCut(size: Int) throws {
    let (client, server) = try pair(size: size)
    let bytes = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    client.write(bytes)
    server.write(Array(bytes.prefix(100)))
    try carry(client, server, size: size)
    #expect(try server.read() == bytes)
    #expect(try client.read() == Array(bytes.prefix(100)))
    #expect(server.witness.established?.pskIdentity == "pair")
  }

  @Test func whatIsWrittenBeforeTheHandshakeIsSentAfterIt() throws {
    let server = try End(.pskServer { _ in Self.key })
    let client = try End(.pskClient(identity: "pair", key: Self.key))
    client.write([1, 2, 3])
    try carry(client, server)
    #expect(try server.read() == [1, 2, 3])
  }

  @Test func tooMuchBeforeTheHandshakeIsRefusedAndNotKept() throws {
    let client = try End(.pskClient(identity: "pair", key: Self.key))
    let fate = client.channel.eventLoop.makePromise(of: Void.self)
    client.channel.writeAndFlush(ByteBuffer(repeating: 0, count: 65 << 10), promise: fate)
    #expect(throws: TLSError.self) { try fate.futureResult.wait() }
  }

  // MARK: Ends

  @Test func closingTellsThePeerAndNeitherSideCallsItALoss() throws {
    let (client, server) = try pair()
    client.write([1])
    client.channel.close(promise: nil)
    try carry(client, server)
    #expect(try server.read() == [1])
    #expect(server.witness.isOver && server.witness.errors.isEmpty)
    #expect(client.witness.isOver && client.witness.errors.isEmpty)
  }

  @Test func theServerMayCloseToo() throws {
    let (client, server) = try pair()
    server.channel.close(promise: nil)
    try carry(client, server)
    #expect(client.witness.isOver && client.witness.errors.isEmpty)
  }

  @Test func anEndWithoutGoodbyeIsALoss() throws {
    let (_, server) = try pair()
    server.channel.pipeline.fireChannelInactive()
    #expect(server.witness.errors == [.broken("the connection ended without close_notify")])
  }

  @Test func aForgedRecordIsALossAndNothingOfItIsRead() throws {
    let (client, server) = try pair()
    client.write([1, 2, 3])
    var record = try #require(try client.channel.readOutbound(as: ByteBuffer.self))
    let last = record.writerIndex - 1
    let byte = try #require(record.getInteger(at: last, as: UInt8.self))
    record.setInteger(byte ^ 1, at: last)
    server.channel.pipeline.fireChannelRead(record)
    #expect(try server.read().isEmpty)
    #expect(server.witness.errors.count == 1)
    #expect(!server.channel.isActive)
  }

  // MARK: What is no CPNS link

  @Test(arguments: ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}hello", String(repeating: "\u{0}", count: 70_000)])
  func whatIsNotTLSEndsTheLinkWithWords(text: String) throws {
    let server = try End(.pskServer { _ in Self.key })
    server.channel.pipeline.fireChannelRead(ByteBuffer(string: text))
    guard case .untrusted(let words) = server.witness.errors.first else { return #expect(Bool(false), "\(server.witness.errors)") }
    #expect(!words.isEmpty)
    #expect(!server.channel.isActive)
  }

  @Test func aServerThatIgnoresTheProtocolNameIsRefused() throws {
    let authority = try Authority()
    let (certificate, key) = try authority.server()
    let server = try End(.server(certificate: certificate, key: key, clientAnchor: nil, alpn: .http))
    let client = try End(.client(certificate: nil, key: nil, trust: .anchor(path: authority.anchorPath), alpn: .cpns), host: "localhost")
    try carry(client, server)
    #expect(client.witness.errors == [.untrusted("the peer does not speak cpns/1")])
    #expect(client.witness.established == nil)
  }

  @Test func aKeyThatDoesNotFitIsReportedWithItsIdentity() throws {
    let rejected = Mutex<[String]>([])
    let server = try End(.pskServer { _ in Self.key }, rejected: { identity, _ in rejected.withLock { $0.append(identity) } })
    let client = try End(.pskClient(identity: "pair", key: [UInt8](repeating: 8, count: 32)))
    try carry(client, server)
    #expect(rejected.withLock { $0 } == ["pair"])
    #expect(server.witness.errors == [.untrusted("the pre-shared key does not fit its identity pair")])
    #expect(client.witness.errors == [.untrusted("the peer has another pre-shared key for us")])
  }

  @Test func aLostConnectionIsNotAWrongKey() throws {
    let rejected = Mutex(0)
    let server = try End(.pskServer { _ in Self.key }, rejected: { _, _ in rejected.withLock { $0 += 1 } })
    let client = try End(.pskClient(identity: "pair", key: Self.key))
    let hello = try #require(try client.channel.readOutbound(as: ByteBuffer.self))
    server.channel.pipeline.fireChannelRead(hello)
    server.channel.pipeline.fireChannelInactive()
    #expect(server.witness.errors.count == 1)
    #expect(rejected.withLock { $0 } == 0)
  }
}
