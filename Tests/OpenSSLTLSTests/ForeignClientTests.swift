import CPNSMessages
import CPNSModel
import CPNSSession
import Foundation
import Glibc
import LinkTransport
import Logging
import NIOPosix
import OpenSSLTLS
import Testing

/// OpenSSL's own client program against our servers.
@Suite(.timeLimit(.minutes(1))) struct ForeignClientTests {
  private static let key = [UInt8](repeating: 7, count: 32)
  private static let hex = key.map { String(format: "%02x", $0) }.joined()

  private func serving(_ context: TLSContext, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
    let ports = AsyncStream<Int>.makeStream()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await LinkListener(group: .singletonMultiThreadedEventLoopGroup, logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }).serve(
          address: "127.0.0.1", port: 0, security: .tls(context), bound: { ports.continuation.yield($0) },
          accept: { link in while let envelope = try? await link.receive() { try? await link.send(envelope) } })
      }
      try await body(try #require(await ports.stream.first { _ in true }))
      group.cancelAll()
    }
  }

  /// - Returns: all that s_client says; it gets no input and ends when the server does.
  private func client(_ port: Int, _ arguments: [String]) async throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl", "s_client", "-connect", "127.0.0.1:\(port)"] + arguments
    let output = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let said = await onThread {
      let said = output.fileHandleForReading.all()
      process.waitUntilExit()
      return said
    }
    return String(decoding: said, as: UTF8.self)
  }

  @Test func tls12IsRefusedOnALink() async throws {
    try await serving(try pskServer()) { (port: Int) async throws in
      #expect(try await client(port, ["-tls1_2", "-alpn", "cpns/1"]).contains("alert protocol version"))
    }
  }

  @Test func aClientWithoutAProtocolNameIsRefused() async throws {
    try await serving(try pskServer()) { (port: Int) async throws in
      #expect(try await client(port, ["-tls1_3", "-psk", Self.hex, "-psk_identity", "pair"]).contains("alert no application protocol"))
      #expect(try await client(port, ["-tls1_3", "-psk", Self.hex, "-psk_identity", "pair", "-alpn", "h2"]).contains("alert no application protocol"))
    }
  }

  @Test func aPreSharedKeyAlwaysComesWithAnExchange() async throws {
    try await serving(try pskServer()) { (port: Int) async throws in
      let said = try await client(port, ["-tls1_3", "-psk", Self.hex, "-psk_identity", "pair", "-alpn", "cpns/1"])
      #expect(said.contains("TLS_AES_128_GCM_SHA256") && said.contains("Server Temp Key"), "\(said)")
      #expect(said.contains("ALPN protocol: cpns/1"))
      #expect(try await client(port, ["-tls1_3", "-psk", Self.hex, "-psk_identity", "pair", "-alpn", "cpns/1", "-ciphersuites", "TLS_AES_256_GCM_SHA384"]).contains("alert"))
    }
  }

  @Test func httpsTakesTLS12AndClientsWithoutAProtocolName() async throws {
    let authority = try Authority()
    let (certificate, key) = try authority.server()
    let context = try TLSContext.server(certificate: certificate, key: key, clientAnchor: nil, alpn: .http)
    try await serving(context) { (port: Int) async throws in
      let trust = ["-CAfile", authority.anchorPath, "-verify_return_error"]
      #expect(try await client(port, ["-tls1_2"] + trust).contains("Verify return code: 0 (ok)"))
      #expect(try await client(port, ["-tls1_3", "-alpn", "http/1.1", "-verify_hostname", "localhost"] + trust).contains("Verify return code: 0 (ok)"))
      let said = try await client(port, ["-tls1_1"] + trust)
      #expect(said.contains("alert") || said.contains("no protocols"))
    }
  }

  private func pskServer() throws -> TLSContext { try TLSContext.pskServer { $0 == "pair" ? Self.key : nil } }
}

/// Waits for what blocks on a thread of its own: the tasks' few threads are needed by whoever is waited for.
func onThread<R: Sendable>(_ work: @escaping @Sendable () -> R) async -> R {
  await withCheckedContinuation { continuation in Thread.detachNewThread { continuation.resume(returning: work()) } }
}

extension FileHandle {
  /// What comes next, at most 64 KiB; empty at the end. Foundation's own reading ends the process when a signal interrupts it (a child's end is one).
  func next() -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(fileDescriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      return Array(buffer.prefix(max(count, 0)))
    }
  }

  func all() -> [UInt8] {
    var bytes: [UInt8] = []
    while case let piece = next(), !piece.isEmpty { bytes += piece }
    return bytes
  }
}
