import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import LinkTransport
import Logging
import NIOCore
import NIOPosix
import OpenSSLTLS
import SwiftProtobuf
import Synchronization
import Testing

extension LinkSecurity {
  static func tls(_ context: TLSContext, now: Int64? = nil, rejected: (@Sendable (String, String) -> Void)? = nil) -> LinkSecurity {
    LinkSecurity(
      install: { channel, host in try channel.pipeline.syncOperations.addHandler(TLSHandler(context, host: host, now: now, rejected: rejected)) },
      credential: { event in
        guard let established = event as? TLSEstablished else { return nil }
        if let identity = established.pskIdentity { return .preSharedKey(identity: identity) }
        if let id = established.certificateURI.flatMap({ EntityID(urn: $0) }) { return .certificate(id) }
        return LinkPeer.Credential.none
      },
      meaning: { ($0 as? TLSError).map { .untrusted($0.description) } })
  }
}

@Suite(.timeLimit(.minutes(1))) struct TLSLinkTests {
  private let gateway = EntityID.random()

  private func envelope(_ body: [UInt8]) -> Cpns_V1_Envelope {
    var envelope = Cpns_V1_Envelope()
    envelope.body = Data(body)
    return envelope
  }

  /// A server that sends back what it gets, and what it saw of its peers.
  private func withEcho(
    _ security: LinkSecurity, seen: @escaping @Sendable (LinkPeer) -> Void = { _ in }, _ body: @escaping @Sendable (Int) async throws -> Void
  ) async throws {
    let ports = AsyncStream<Int>.makeStream()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await LinkListener(group: .singletonMultiThreadedEventLoopGroup, logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }).serve(
          address: "127.0.0.1", port: 0, security: security, bound: { ports.continuation.yield($0) },
          accept: { link in
            seen(link.peer)
            while let envelope = try? await link.receive() {
              link.accept(framesUpTo: Limits.frame)
              try? await link.send(envelope)
            }
          })
      }
      let port = try #require(await ports.stream.first { _ in true })
      try await body(port)
      group.cancelAll()
    }
  }

  /// - Returns: what came back.
  private func echo(_ host: String, _ port: Int, _ security: LinkSecurity, _ bytes: [UInt8] = [1, 2, 3]) async throws -> [UInt8]? {
    let result = Mutex<[UInt8]?>(nil)
    let failure = Mutex<LinkError?>(nil)
    try await LinkConnector(group: .singletonMultiThreadedEventLoopGroup).withLink(to: "\(host):\(port)", security: security) { link in
      do throws(LinkError) {
        link.accept(framesUpTo: Limits.frame)
        try await link.send(envelope(bytes))
        let answer = try await link.receive()
        result.withLock { $0 = answer.map { Array($0.body) } }
      } catch {
        failure.withLock { $0 = error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    return result.withLock { $0 }
  }

  /// A client that must not get through; the text says why.
  private func refusal(_ host: String, _ port: Int, _ security: LinkSecurity) async -> String {
    do {
      guard try await echo(host, port, security) == nil else { return "let in" }
      return "closed"
    } catch let error as LinkError {
      return switch error {
      case .untrusted(let text), .lost(let text), .unreachable(let text), .malformed(let text): text
      case .tooLarge: "too large"
      }
    } catch { return "\(error)" }
  }

  @Test func certificatesBothWaysProveWhoIsWho() async throws {
    let authority = try Authority()
    let (serverCertificate, serverKey) = try authority.server()
    let (certificate, key) = try authority.gateway(uri: gateway.urn)
    let peers = Mutex<[LinkPeer.Credential]>([])
    let server = try TLSContext.server(certificate: serverCertificate, key: serverKey, clientAnchor: authority.anchorPath, alpn: .cpns)
    let client = try TLSContext.client(certificate: certificate, key: key, trust: .anchor(path: authority.anchorPath), alpn: .cpns)
    try await withEcho(.tls(server), seen: { peer in peers.withLock { $0.append(peer.credential) } }) { (port: Int) async throws in
      #expect(try await echo("127.0.0.1", port, .tls(client)) == [1, 2, 3])
      #expect(try await echo("localhost", port, .tls(client)) == [1, 2, 3])
    }
    #expect(peers.withLock { $0 } == [.certificate(gateway), .certificate(gateway)])
  }

  @Test func aMachineThatKnowsThatItsClockIsWrongTakesAFingerprintForEnoughAndNothingElse() async throws {
    let authority = try Authority()
    let (certificate, key) = try authority.server()
    let server = try TLSContext.server(certificate: certificate, key: key, clientAnchor: nil, alpn: .cpns)
    @Sendable func client(_ trust: ServerTrust) throws -> LinkSecurity {
      .tls(try TLSContext.client(certificate: nil, key: nil, trust: trust, alpn: .cpns, checksTime: false), now: 0)
    }
    let other = try Authority()
    try await withEcho(.tls(server)) { (port: Int) async throws in
      #expect(try await echo("127.0.0.1", port, client(.fingerprint(authority.anchor.fingerprint))) == [1, 2, 3])
      #expect(await refusal("127.0.0.1", port, try client(.fingerprint(other.anchor.fingerprint))).contains("no certificate that it sent has the fingerprint"))
      #expect(await refusal("127.0.0.1", port, try client(.anchor(path: authority.anchorPath))).contains("not valid yet"))
    }
  }

  @Test func aServerForAnotherNameIsRefused() async throws {
    let authority = try Authority()
    let (certificate, key) = try authority.server(names: ["other.example"])
    let server = try TLSContext.server(certificate: certificate, key: key, clientAnchor: nil, alpn: .cpns)
    let client = try TLSContext.client(certificate: nil, key: nil, trust: .anchor(path: authority.anchorPath), alpn: .cpns)
    try await withEcho(.tls(server)) { (port: Int) async throws in
      #expect(await refusal("127.0.0.1", port, .tls(client)).contains("wanted 127.0.0.1, it has DNS:other.example"))
    }
  }

  @Test func aServerOfAnotherAnchorIsRefused() async throws {
    let (authority, other) = (try Authority(), try Authority())
    let (certificate, key) = try other.server()
    let server = try TLSContext.server(certificate: certificate, key: key, clientAnchor: nil, alpn: .cpns)
    let client = try TLSContext.client(certificate: nil, key: nil, trust: .anchor(path: authority.anchorPath), alpn: .cpns)
    try await withEcho(.tls(server)) { (port: Int) async throws in
      let text = await refusal("127.0.0.1", port, .tls(client))
      #expect(text.contains("unknown CA") && text.contains("CN=test anchor"), "\(text)")
    }
  }

  @Test(arguments: [(-400 * 86_400, "not valid yet"), (11 * 365 * 86_400, "expired on 2")])
  func aCertificateOutsideItsTimeIsRefused(shift: Int64, sign: String) async throws {
    let authority = try Authority()
    let (certificate, key) = try authority.server()
    let server = try TLSContext.server(certificate: certificate, key: key, clientAnchor: nil, alpn: .cpns)
    let client = try TLSContext.client(certificate: nil, key: nil, trust: .anchor(path: authority.anchorPath), alpn: .cpns)
    let now = Int64(Date().timeIntervalSince1970) + shift
    try await withEcho(.tls(server)) { (port: Int) async throws in
      let text = await refusal("127.0.0.1", port, .tls(client, now: now))
      #expect(text.contains(sign) && text.contains("here it is"), "\(text)")
    }
  }

  @Test func aGatewayOfAnotherAnchorIsRefusedAndOneWithoutCertificateShowsAsSuch() async throws {
    let (authority, other) = (try Authority(), try Authority())
    let (serverCertificate, serverKey) = try authority.server()
    let (certificate, key) = try other.gateway(uri: gateway.urn)
    let server = try TLSContext.server(certificate: serverCertificate, key: serverKey, clientAnchor: authority.anchorPath, alpn: .cpns)
    let forged = try TLSContext.client(certificate: certificate, key: key, trust: .anchor(path: authority.anchorPath), alpn: .cpns)
    let bare = try TLSContext.client(certificate: nil, key: nil, trust: .anchor(path: authority.anchorPath), alpn: .cpns)
    let peers = Mutex<[LinkPeer.Credential]>([])
    try await withEcho(.tls(server), seen: { peer in peers.withLock { $0.append(peer.credential) } }) { (port: Int) async throws in
      let text = await refusal("127.0.0.1", port, .tls(forged))
      #expect(text == "the peer does not know the CA of our certificate", "\(text)")
      #expect(try await echo("127.0.0.1", port, .tls(bare)) == [1, 2, 3])
    }
    #expect(peers.withLock { $0 } == [.none])
  }

  @Test func aFingerprintFindsTheRightServerOnly() async throws {
    let (authority, other) = (try Authority(), try Authority())
    let (certificate, key) = try authority.server()
    let server = try TLSContext.server(certificate: certificate, key: key, clientAnchor: nil, alpn: .cpns)
    let right = try TLSContext.client(certificate: nil, key: nil, trust: .fingerprint(authority.anchor.fingerprint), alpn: .cpns)
    let wrong = try TLSContext.client(certificate: nil, key: nil, trust: .fingerprint(other.anchor.fingerprint), alpn: .cpns)
    try await withEcho(.tls(server)) { (port: Int) async throws in
      #expect(try await echo("127.0.0.1", port, .tls(right)) == [1, 2, 3])
      let text = await refusal("127.0.0.1", port, .tls(wrong))
      #expect(text.contains("fingerprint"), "\(text)")
      // The name counts too.
      #expect(await refusal("localhost.localdomain", port, .tls(right)) != "let in")
    }
  }

  @Test func aPeerOfAnotherProtocolIsRefused() async throws {
    let authority = try Authority()
    let (certificate, key) = try authority.server()
    let server = try TLSContext.server(certificate: certificate, key: key, clientAnchor: nil, alpn: .cpns)
    let client = try TLSContext.client(certificate: nil, key: nil, trust: .anchor(path: authority.anchorPath), alpn: .http)
    try await withEcho(.tls(server)) { (port: Int) async throws in
      #expect(await refusal("127.0.0.1", port, .tls(client)) == "the peer does not speak http/1.1")
    }
  }

  // MARK: Pre-shared keys

  private let key = [UInt8](repeating: 7, count: 32)

  private func pskServer(_ key: [UInt8]) throws -> TLSContext { try TLSContext.pskServer { $0 == "pair" ? key : nil } }

  @Test func aPreSharedKeyProvesBothSides() async throws {
    let peers = Mutex<[LinkPeer.Credential]>([])
    let client = try TLSContext.pskClient(identity: "pair", key: key)
    try await withEcho(.tls(try pskServer(key)), seen: { peer in peers.withLock { $0.append(peer.credential) } }) { (port: Int) async throws in
      #expect(try await echo("127.0.0.1", port, .tls(client)) == [1, 2, 3])
    }
    #expect(peers.withLock { $0 } == [.preSharedKey(identity: "pair")])
  }

  @Test func aWrongKeyIsRefusedAndReported() async throws {
    let rejected = Mutex<[String]>([])
    let security = LinkSecurity.tls(try pskServer(key)) { identity, _ in rejected.withLock { $0.append(identity) } }
    let client = try TLSContext.pskClient(identity: "pair", key: [UInt8](repeating: 8, count: 32))
    try await withEcho(security) { (port: Int) async throws in
      let text = await refusal("127.0.0.1", port, .tls(client))
      #expect(text == "the peer has another pre-shared key for us", "\(text)")
    }
    #expect(rejected.withLock { $0 } == ["pair"])
  }

  @Test func anUnknownIdentityIsRefused() async throws {
    let client = try TLSContext.pskClient(identity: "eukey:nobody:1", key: key)
    try await withEcho(.tls(try pskServer(key))) { (port: Int) async throws in
      #expect(await refusal("127.0.0.1", port, .tls(client)) == "the peer knows no pre-shared key of ours")
    }
  }

  @Test func aServerWithoutTheKeyIsRefusedByTheClient() async throws {
    let authority = try Authority()
    let (certificate, serverKey) = try authority.server()
    let server = try TLSContext.server(certificate: certificate, key: serverKey, clientAnchor: nil, alpn: .cpns)
    let client = try TLSContext.pskClient(identity: "pair", key: key)
    try await withEcho(.tls(server)) { (port: Int) async throws in
      #expect(await refusal("127.0.0.1", port, .tls(client)) != "let in")
    }
  }

  // MARK: Frames over TLS

  @Test func bigFramesArriveWhole() async throws {
    let client = try TLSContext.pskClient(identity: "pair", key: key)
    let body = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let came = Mutex<[Int: Bool]>([:])
    try await withEcho(.tls(try pskServer(key))) { (port: Int) async throws in
      try await LinkConnector(group: .singletonMultiThreadedEventLoopGroup).withLink(to: "127.0.0.1:\(port)", security: .tls(client)) { link in
        link.accept(framesUpTo: Limits.frame)
        // The first frame is from a stranger, and short.
        for bytes in [[1], body] {
          try? await link.send(envelope(bytes))
          let answer = (try? await link.receive()) ?? nil
          came.withLock { $0[bytes.count] = answer.map { Array($0.body) } == bytes }
        }
      }
    }
    #expect(came.withLock { $0 } == [1: true, 700_000: true])
  }

  @Test func aFrameTooLongForAStrangerEndsItsLinkOnly() async throws {
    let client = try TLSContext.pskClient(identity: "pair", key: key)
    try await withEcho(.tls(try pskServer(key))) { (port: Int) async throws in
      #expect(await refusal("127.0.0.1", port, .tls(client)) == "let in")
      #expect(try await echo("127.0.0.1", port, .tls(client), [UInt8](repeating: 0, count: Limits.frameBeforeHello)) == nil)
      #expect(try await echo("127.0.0.1", port, .tls(client)) == [1, 2, 3])
    }
  }

  /// Another TLS implementation's client program, as docs/protocol.md describes the link.
  @Test func opensslsOwnClientGetsThroughWithAPreSharedKey() async throws {
    try await withEcho(.tls(try pskServer(key))) { (port: Int) async throws in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      let hex = key.map { String(format: "%02x", $0) }.joined()
      process.arguments = ["openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-tls1_3", "-psk", hex, "-psk_identity", "pair", "-alpn", "cpns/1", "-quiet", "-ign_eof"]
      let (input, output) = (Pipe(), Pipe())
      process.standardInput = input
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      try process.run()
      let body = envelope([9, 9]).bytes
      try input.fileHandleForWriting.write(contentsOf: Data(FrameEncoder.header(length: body.count) + body))
      // On a thread of its own: who answers needs the tasks' threads.
      let answer = await onThread { output.fileHandleForReading.next() }
      process.terminate()
      #expect(answer == FrameEncoder.header(length: body.count) + body)
    }
  }
}
