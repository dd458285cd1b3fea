import Foundation
import HTTPServing
import NIOCore
import Synchronization
import Testing

@Suite struct ServingTests {
  @Test func aRequestIsTakenApart() async throws {
    try await serving(echo) { port, _ in
      let answer = try await Client.ask(port, "GET http://a/show?q=a%20b+c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      #expect(answer.contains(#""path":"show","peer":"remote(\"127.0.0.1\")","q":"a b c""#), "\(answer)")
    }
  }

  @Test func oneConnectionCarriesManyRequestsInOrder() async throws {
    try await serving(echo) { port, _ in
      let one = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfirst"
      let ignored = "POST /ignored HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nxxxxx"
      let two = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n6\r\nsecond\r\n0\r\n\r\n"
      let answer = try await Client.ask(port, one + ignored + two)
      #expect(answer.components(separatedBy: "HTTP/1.1 ").map { $0.prefix(3) } == ["", "200", "401", "200"])
      let first = try #require(answer.range(of: "first"))
      #expect(answer[first.upperBound...].hasSuffix("second"))
    }
  }

  @Test func anHTTP10ClientGetsItsAnswerAndTheEnd() async throws {
    try await serving(echo) { port, _ in
      let answer = try await Client.ask(port, "GET /show HTTP/1.0\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.0 200 OK"))
    }
  }

  @Test func headHasTheHeadersAndNoBody() async throws {
    try await serving(echo) { port, _ in
      let answer = try await Client.ask(port, "HEAD /show HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
      #expect(answer.lowercased().contains("content-length:"))
      #expect(answer.hasSuffix("\r\n\r\n"))
    }
  }

  @Test func aBodyWaitsForItsReader() async throws {
    let begin = Signal()
    let total = Atomic<Int>(0)
    let handler: @Sendable (HTTPRequest) async throws -> HTTPResponse = { request in
      await begin.wait()
      for try await piece in request.body { total.add(piece.count, ordering: .relaxed) }
      return HTTPResponse(204, body: .bytes([]))
    }
    try await serving(handler) { port, _ in
      let client = try Client(port: port)
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 64000000\r\nConnection: close\r\n\r\n")
      // The socket's buffers fill, and then the client can't go on.
      let early = await onThread {
        var limit = timeval(tv_sec: 0, tv_usec: 300_000)
        setsockopt(client.socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let sent = client.send([UInt8](repeating: 1, count: 64_000_000))
        limit.tv_sec = 20
        setsockopt(client.socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return sent
      }
      #expect(early < 32_000_000)
      begin.fire()
      _ = await onThread { client.send([UInt8](repeating: 1, count: 64_000_000 - early)) }
      #expect(await client.receiveAll().hasPrefix("HTTP/1.1 204"))
      #expect(total.load(ordering: .relaxed) == 64_000_000)
    }
  }

  @Test func aClientThatExpectsToBeAskedIsAsked() async throws {
    try await serving(echo) { port, _ in
      let client = try Client(port: port)
      client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
      #expect(await client.receive(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
      client.send("ok")
      #expect(await client.receiveAll().hasSuffix("ok"))
    }
  }

  @Test func aStreamComesAsItIsMade() async throws {
    let next = Signal()
    let handler: @Sendable (HTTPRequest) async throws -> HTTPResponse = { _ in
      HTTPResponse(200, contentType: "application/jsonl", body: .stream { write in
        try await write(Array("one\n".utf8))
        await next.wait()
        try await write(Array("two\n".utf8))
      })
    }
    try await serving(handler) { port, _ in
      let client = try Client(port: port)
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(await client.receive(until: "one\n").lowercased().contains("transfer-encoding: chunked"))
      next.fire()
      #expect(await client.receive(until: "0\r\n\r\n").contains("two\n"))
      // The connection is good for more.
      client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      #expect(await client.receive(until: "one\n").contains("200 OK"))
      next.fire()
      #expect(await client.receiveAll().contains("two"))
    }
  }

  @Test func aStreamEndsWhenItsClientLeaves() async throws {
    let ended = Signal()
    let handler: @Sendable (HTTPRequest) async throws -> HTTPResponse = { _ in
      HTTPResponse(200, body: .stream { write in
        defer { ended.fire() }
        try await write(Array("hello\n".utf8))
        // Nothing happens for ever.
        for await _ in AsyncStream<Void>.makeStream().stream {}
      })
    }
    try await serving(handler) { port, _ in
      do {
        let client = try Client(port: port)
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await client.receive(until: "hello").contains("hello"))
      }
      await ended.wait()
    }
  }

  @Test func aStreamWaitsForASlowReader() async throws {
    let written = Atomic<Int>(0)
    let handler: @Sendable (HTTPRequest) async throws -> HTTPResponse = { _ in
      HTTPResponse(200, body: .stream { write in
        for _ in 0..<1_000 {
          try await write([UInt8](repeating: 65, count: 100_000))
          written.add(1, ordering: .relaxed)
        }
      })
    }
    try await serving(handler) { port, _ in
      let client = try Client(port: port)
      client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      _ = await client.receive(until: "\r\n\r\n")
      // Until nothing is written any more between two looks.
      var seen = -1
      while written.load(ordering: .relaxed) != seen || seen == 0 {
        seen = written.load(ordering: .relaxed)
        await onThread { _ = usleep(50_000) }
      }
      #expect(seen < 500)
      let rest = await client.receiveAll()
      #expect(rest.utf8.count > 90_000_000)
      let isWhole = rest.hasSuffix("0\r\n\r\n")
      #expect(isWhole)
    }
  }
}

@Suite struct UnixSocketTests {
  @Test func curlIsServedAndKnown() async throws {
    try await serving(on: { .unix(path: "\($0)/run/pngw/admin.sock") }, echo) { _, folder in
      let path = "\(folder)/run/pngw/admin.sock"
      let (status, output) = try await run(["curl", "-sS", "--max-time", "10", "--unix-socket", path, "http://localhost/show"])
      #expect(status == 0)
      #expect(output.contains("local(user: \(getuid()), group: \(getgid()), groups: ["))
      let posted = try await run(["curl", "-sS", "--max-time", "10", "--unix-socket", path, "-d", "{}", "http://localhost/echo"])
      #expect(posted.output == "{}")
      var found = stat()
      #expect(stat(path, &found) == 0)
      #expect(found.st_mode & 0o777 == 0o666)
    }
  }

  @Test func curlUploadsALargeFile() async throws {
    try await serving(echo) { port, folder in
      try Data(repeating: 7, count: 3 << 20).write(to: URL(filePath: "\(folder)/file"))
      let (status, _) = try await run(["curl", "-sS", "--max-time", "20", "--data-binary", "@\(folder)/file", "-o", "\(folder)/back", "http://127.0.0.1:\(port)/echo"])
      #expect(status == 0)
      let back = try Data(contentsOf: URL(filePath: "\(folder)/back"))
      #expect(back.count == 3 << 20)
    }
  }

  @Test func aSocketThatADeadProcessLeftIsReplacedAndGoneAtTheEnd() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "sock-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for _ in 0..<2 {
      try await serving(on: { _ in .unix(path: "\(folder)/a.sock") }, echo) { _, _ in
        // As after kill -9: the file stays.
        try? FileManager.default.linkItem(atPath: "\(folder)/a.sock", toPath: "\(folder)/left.sock")
      }
    }
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/a.sock"))
    try await serving(on: { _ in .unix(path: "\(folder)/left.sock") }, echo) { _, _ in }
  }

  @Test func aSocketThatIsServedStays() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "sock-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await serving(on: { _ in .unix(path: "\(folder)/a.sock") }, echo) { _, _ in
      await #expect(throws: HTTPBindError.self) { try await serving(on: { _ in .unix(path: "\(folder)/a.sock") }, echo) { _, _ in } }
      let (status, _) = try await run(["curl", "-sS", "--max-time", "10", "--unix-socket", "\(folder)/a.sock", "http://localhost/show"])
      #expect(status == 0)
    }
  }

  @Test func aFileThatIsNoSocketStays() async throws {
    await #expect(throws: HTTPBindError.self) {
      try await serving(on: { folder in
        _ = FileManager.default.createFile(atPath: "\(folder)/precious", contents: Data("x".utf8))
        return .unix(path: "\(folder)/precious")
      }, echo) { _, _ in }
    }
  }

  @Test func aServerThatEndsWhileManyArriveJustEnds() async throws {
    for _ in 0..<5 {
      let clients = try await serving({ _ in .json(200, ["a": 1]) }) { port, _ in
        try await onThread { Result { try (0..<100).map { _ in try Client(port: port) } } }.get()
      }
      // Each is told that it is over, none is left hanging.
      for client in clients { #expect(await client.receiveAll().isEmpty) }
    }
  }
}
