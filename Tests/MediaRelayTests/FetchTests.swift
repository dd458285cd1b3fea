import Foundation
import GatewayCore
import MediaProtocol
import MediaRelay
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// A device that answers each connection with the same bytes, whatever was asked, and remembers what was.
final class Device: Sendable {
  let port: Int
  private let listener: Int32
  private let asked = Mutex<[String]>([])

  /// - Parameter closes: otherwise it says nothing more and stays.
  init(_ answer: [UInt8], closes: Bool = true) throws {
    let listener = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var address = Client.address("127.0.0.1", 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) + listen(listener, 8) + getsockname(listener, $0, &length) }
    }
    guard result == 0 else { throw POSIXError(.EADDRINUSE) }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread { [weak self] in
      var kept: [Int32] = []
      while true {
        let connection = accept(listener, nil, nil)
        if connection < 0 { break }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(connection, &buffer, buffer.count, 0)
        self?.asked.withLock { $0.append(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)) }
        var sent = 0
        while sent < answer.count {
          let now = answer[sent...].withUnsafeBytes { Foundation.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
          if now <= 0 { break }
          sent += now
        }
        if closes { close(connection) } else { kept.append(connection) }
      }
      for connection in kept + [listener] { close(connection) }
    }
  }
  convenience init(_ head: String, _ body: [UInt8] = [], closes: Bool = true) throws { try self.init(Array(head.utf8) + body, closes: closes) }

  // The thread closes it: its number must not be another's while it is waited on.
  deinit { shutdown(listener, Int32(SHUT_RDWR)) }

  var requests: [String] { asked.withLock { $0 } }
  var url: String { "http://127.0.0.1:\(port)/item/1.mp3?x=1" }

  func fetch(offset: UInt64 = 0, limits: FetchLimits = FetchLimits()) async throws(FetchError) -> (bytes: [UInt8], size: UInt64?) {
    let bytes = Mutex<[UInt8]>([])
    let fetcher = MediaFetcher(
      group: MultiThreadedEventLoopGroup.singleton, policy: FetchPolicy(exceptions: [IPAddress(127, 0, 0, 1)]), limits: limits)
    let size = try await fetcher.fetch(url: url, onlyFrom: "127.0.0.1", offset: offset) { piece in bytes.withLock { $0 += piece } }
    return (bytes.withLock { $0 }, size)
  }
}

@Suite struct FetchTests {
  @Test func contentComesWithItsSize() async throws {
    let device = try Device("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", someBytes(300_000))
    let (bytes, size) = try await device.fetch()
    #expect(bytes == someBytes(300_000) && size == 300_000)
    let asked = try #require(device.requests.first)
    #expect(asked.hasPrefix("GET /item/1.mp3?x=1 HTTP/1.1\r\nHost: 127.0.0.1:\(device.port)\r\n"))
    #expect(!asked.contains("Range"))
  }

  @Test func contentInChunksComesWhole() async throws {
    let device = try Device("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n")
    let (bytes, size) = try await device.fetch()
    #expect(bytes == Array("hello world".utf8) && size == nil)
  }

  @Test func contentThatEndsWithTheConnectionComesWhole() async throws {
    let (bytes, size) = try await Device("HTTP/1.0 200 OK\r\n\r\n", someBytes(100_000)).fetch()
    #expect(bytes == someBytes(100_000) && size == nil)
  }

  @Test func theRestIsAskedForAndChecked() async throws {
    let device = try Device("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\nefghij")
    let (bytes, size) = try await device.fetch(offset: 4)
    #expect(bytes == Array("efghij".utf8) && size == 10)
    #expect(device.requests.first?.contains("\r\nRange: bytes=4-\r\n") == true)
  }

  @Test func aDeviceThatSendsAllAgainIsSkippedThrough() async throws {
    let (bytes, size) = try await Device("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcdefghij").fetch(offset: 4)
    #expect(bytes == Array("efghij".utf8) && size == 10)
  }

  @Test func contentThatIsAllHereAlreadyNeedsNothing() async throws {
    let (bytes, size) = try await Device("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */10\r\n\r\n").fetch(offset: 10)
    #expect(bytes.isEmpty && size == 10)
  }

  enum Kind { case malformed, status, unreachable }

  @Test(arguments: [
    ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n", 0, Kind.status),
    ("HTTP/1.1 404 Not Found\r\n\r\n", 0, .status),
    ("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */7\r\n\r\n", 10, .status),
    ("220 ftp ready\r\n\r\n", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;\(String(repeating: "x", count: 500))\r\n", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\(String(repeating: "A: b\r\n", count: 2_000))", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nA: \(String(repeating: "x", count: 20_000))\r\n\r\n", 0, .malformed),
    (String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 6), 0, .malformed),
    ("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\nfghij", 4, .malformed),
    ("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-18446744073709551615/10\r\nContent-Length: 5\r\n\r\nfghij", 4, .malformed),
    ("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-6/10\r\nContent-Length: 3\r\n\r\nefg", 4, .malformed),
    ("HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nfghij", 4, .malformed),
    ("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 10\r\n\r\nabcdefghij", 0, .malformed),
    ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 4, .malformed),
    ("HTTP/1.1 200 OK\r\n\r\nabc", 4, .malformed),
    ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 0, .unreachable),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 0, .unreachable),
    ("HTTP/1.1 200", 0, .unreachable),
    ("", 0, .unreachable),
  ] as [(String, UInt64, Kind)])
  func aWrongAnswerIsRefused(_ answer: String, _ offset: UInt64, _ kind: Kind) async throws {
    let device = try Device(answer)
    await #expect { _ = try await device.fetch(offset: offset) } throws: { error in
      switch (error as? FetchError, kind) {
      case (.malformed, .malformed), (.status, .status), (.unreachable, .unreachable): true
      default: false
      }
    }
    #expect(device.requests.count == 1)
  }

  @Test func contentWithoutAnEndIsCutOff() async throws {
    var limits = FetchLimits()
    limits.contentBytes = 10_000
    let endless = try Device("HTTP/1.1 200 OK\r\n\r\n", someBytes(1_000_000))
    await #expect { _ = try await endless.fetch(limits: limits) } throws: { if case .malformed = $0 as? FetchError { true } else { false } }
    let announced = try Device("HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n")
    await #expect { _ = try await announced.fetch(limits: limits) } throws: { if case .malformed = $0 as? FetchError { true } else { false } }
  }

  @Test func aDeviceThatStopsInTheMiddleIsGivenUp() async throws {
    var limits = FetchLimits()
    limits.stallTime = .milliseconds(100)
    for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"] {
      let device = try Device(answer, closes: false)
      await #expect { _ = try await device.fetch(limits: limits) } throws: { if case .unreachable = $0 as? FetchError { true } else { false } }
    }
  }

  @Test func aSlowSinkIsNotTheDevicesFault() async throws {
    var limits = FetchLimits()
    limits.stallTime = .milliseconds(700)
    let device = try Device("HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n", someBytes(8_000_000))
    let fetcher = MediaFetcher(group: MultiThreadedEventLoopGroup.singleton, policy: FetchPolicy(exceptions: [IPAddress(127, 0, 0, 1)]), limits: limits)
    let total = Atomic<Int>(0)
    let slept = Atomic<Bool>(false)
    _ = try await fetcher.fetch(url: device.url, onlyFrom: "127.0.0.1", offset: 0) { piece in
      total.add(piece.count, ordering: .relaxed)
      // Once, long enough that a stall would have been seen.
      if !slept.exchange(true, ordering: .relaxed) { await onThread { _ = usleep(1_500_000) } }
    }
    #expect(total.load(ordering: .relaxed) == 8_000_000)
  }

  @Test func aSinkThatThrowsEndsTheFetch() async throws {
    let device = try Device("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    let fetcher = MediaFetcher(group: MultiThreadedEventLoopGroup.singleton, policy: FetchPolicy(exceptions: [IPAddress(127, 0, 0, 1)]))
    await #expect(throws: FetchError.interrupted("\(StageError.full("x"))")) {
      _ = try await fetcher.fetch(url: device.url, onlyFrom: "127.0.0.1", offset: 0) { _ in throw StageError.full("x") }
    }
  }

  @Test func aPortWhereNobodyIsIsUnreachable() async throws {
    let port = try { try Device("").port }()
    let fetcher = MediaFetcher(group: MultiThreadedEventLoopGroup.singleton, policy: FetchPolicy(exceptions: [IPAddress(127, 0, 0, 1)]))
    await #expect { _ = try await fetcher.fetch(url: "http://127.0.0.1:\(port)/", onlyFrom: "127.0.0.1", offset: 0) { _ in } } throws: {
      if case .unreachable = $0 as? FetchError { true } else { false }
    }
  }

  @Test(arguments: [
    ("http://127.0.0.1:PORT/", "127.0.0.1"), ("http://10.0.0.2:PORT/", "10.0.0.1"), ("http://localhost:PORT/", "127.0.0.1"), ("https://10.0.0.1/", "10.0.0.1"),
    ("file:///etc/passwd", "10.0.0.1"), ("http://169.254.169.254/", "169.254.169.254"), ("http://224.0.0.1/", "224.0.0.1"), ("http://255.255.255.255/", "255.255.255.255"),
    ("http://0.0.0.0:PORT/", "0.0.0.0"), ("http://[::1]:PORT/", "::1"), ("http://[::ffff:127.0.0.1]:PORT/", "::ffff:127.0.0.1"), ("http://2130706433:PORT/", "127.0.0.1"),
    ("http://0177.0.0.1:PORT/", "127.0.0.1"), ("http://a@127.0.0.1:PORT/", "127.0.0.1"), ("http://10.0.0.1:PORT/\r\nX: y", "10.0.0.1"), ("http://10.0.0.1/", "nas.local"),
    ("http://127.0.0.1:PORT#@10.0.0.1/", "10.0.0.1"), ("", "10.0.0.1"),
  ])
  func whatPointsElsewhereIsNeverContacted(_ url: String, _ host: String) async throws {
    let canary = try Device("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    let fetcher = MediaFetcher(group: MultiThreadedEventLoopGroup.singleton)
    await #expect {
      _ = try await fetcher.fetch(url: url.replacingOccurrences(of: "PORT", with: "\(canary.port)"), onlyFrom: host, offset: 0) { _ in }
    } throws: { if case .forbidden = $0 as? FetchError { true } else { false } }
    #expect(canary.requests.isEmpty)
  }

  @Test func ourOwnAddressIsNeverContacted() async throws {
    let own = try System.enumerateDevices().compactMap { $0.address?.ipAddress }.filter { IPAddress($0)?.isLoopback == false && !$0.hasPrefix("fe80") }
    let fetcher = MediaFetcher(group: MultiThreadedEventLoopGroup.singleton)
    for address in own {
      let host = address.contains(":") ? "[\(address)]" : address
      await #expect { _ = try await fetcher.fetch(url: "http://\(host):9/", onlyFrom: address, offset: 0) { _ in } } throws: {
        if case .forbidden = $0 as? FetchError { true } else { false }
      }
    }
  }
}
