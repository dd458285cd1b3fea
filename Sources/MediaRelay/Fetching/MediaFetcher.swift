package import GatewayCore
package import NIOCore
import MediaProtocol
import NIOPosix

/// Bounds of a fetch.
package struct FetchLimits: Sendable {
  /// Longest wait for TCP: a device on the same LAN answers in milliseconds, one that wakes its disk in a second or two.
  package var connectTime = TimeAmount.seconds(5)
  /// Longest wait for bytes that we want: a media server's disk may have to spin up.
  package var stallTime = TimeAmount.seconds(20)
  /// Largest content, in bytes: a long film in high quality has 60 GB.
  package var contentBytes: UInt64 = 128 << 30

  package init() {}
}

/// Reads content from devices on the LAN: one request a connection, no redirects.
package struct MediaFetcher: MediaFetching {
  private let group: any EventLoopGroup
  private let policy: FetchPolicy
  private let limits: FetchLimits

  package init(group: any EventLoopGroup, policy: FetchPolicy = FetchPolicy(), limits: FetchLimits = FetchLimits()) {
    self.group = group
    self.policy = policy
    self.limits = limits
  }

  package func fetch(
    url: String, onlyFrom host: String, offset: UInt64, sink: @Sendable ([UInt8]) async throws -> Void
  ) async throws(FetchError) -> UInt64? {
    let url = try policy.check(url, onlyFrom: host)
    let channel = try await connect(url)
    let result: Result<UInt64?, FetchError>
    do {
      result = try await channel.executeThenClose { inbound, outbound in
        try await outbound.write(ByteBuffer(string: Self.request(url, offset)))
        return await receive(inbound, offset, sink)
      }
    } catch {
      throw Self.meaning(error)
    }
    return try result.get()
  }

  private func connect(_ url: LANURL) async throws(FetchError) -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
    do {
      let address = try SocketAddress(ipAddress: "\(url.host)", port: Int(url.port))
      return try await ClientBootstrap(group: group)
        .connectTimeout(limits.connectTime)
        .channelOption(.maxMessagesPerRead, value: 1)
        .connect(to: address) { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(StallGuard(limits.stallTime))
            return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
          }
        }
    } catch {
      throw .unreachable("\(url.hostAndPort): \(error)")
    }
  }

  /// The next bytes are read from the device when the sink has taken these.
  private func receive(
    _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ offset: UInt64, _ sink: @Sendable ([UInt8]) async throws -> Void
  ) async -> Result<UInt64?, FetchError> {
    do throws(FetchError) {
      var response = FetchResponse(offset: offset, limit: limits.contentBytes)
      var pieces = inbound.makeAsyncIterator()
      while !response.isDone, let piece = try await Self.next(&pieces) {
        let bytes = try response.push(Array(piece.readableBytesView))
        if !bytes.isEmpty { try await Self.give(bytes, sink) }
      }
      try response.end()
      return .success(response.size)
    } catch {
      return .failure(error)
    }
  }

  private static func next(_ pieces: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) async throws(FetchError) -> ByteBuffer? {
    do {
      if let piece = try await pieces.next(isolation: #isolation) { return piece }
    } catch {
      throw meaning(error)
    }
    if Task.isCancelled { throw .interrupted("cancelled") }
    return nil
  }

  private static func give(_ bytes: [UInt8], _ sink: @Sendable ([UInt8]) async throws -> Void) async throws(FetchError) {
    do { try await sink(bytes) } catch { throw .interrupted("\(error)") }
  }

  private static func meaning(_ error: any Error) -> FetchError {
    switch error {
    case let error as FetchError: error
    case is CancellationError: .interrupted("cancelled")
    default: .unreachable("\(error)")
    }
  }

  private static func request(_ url: LANURL, _ offset: UInt64) -> String {
    let range = offset > 0 ? "Range: bytes=\(offset)-\r\n" : ""
    return "GET \(url.path) HTTP/1.1\r\nHost: \(url.hostAndPort)\r\nUser-Agent: Linux UPnP/1.1 pngw\r\nAccept-Encoding: identity\r\n\(range)Connection: close\r\n\r\n"
  }
}

/// Ends a connection on which nothing comes although we want to read.
private final class StallGuard: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private let time: TimeAmount
  private var timer: Scheduled<Void>?

  init(_ time: TimeAmount) { self.time = time }

  func read(context: ChannelHandlerContext) {
    if timer == nil {
      let seconds = time.nanoseconds / 1_000_000_000
      timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
        context.fireErrorCaught(FetchError.unreachable("nothing came for \(seconds) s"))
        context.close(promise: nil)
      }
    }
    context.read()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    timer?.cancel()
    timer = nil
    context.fireChannelRead(data)
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }
}
