import Foundation
import HTTPServing
import NIOCore
import Testing

@Suite struct WrongRequestTests {
  @Test(arguments: [
    ("this is not http\r\n\r\n", 501),
    ("GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n", 400),
    ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /%+1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /show HTTP/1.1\r\n\r\n", 400),
    ("GET /show HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("GET /show HTTP/3.7\r\nHost: a\r\n\r\n", 505),
    ("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
    ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", 400),
    ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world", 413),
    ("POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n", 413),
    ("GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 431),
    ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X-A: 1234567890\r\n", count: 2_000))\r\n", 431),
    ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X-A: 1234567890\r\n", count: 10_000))", 431),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 200_000))", 431),
    ("GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
    ("GET /broken HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 500),
  ])
  func aWrongRequestIsAnsweredWithWhatWasWrong(_ text: String, _ status: Int) async throws {
    try await serving(echo) { port, _ in
      let answer = try await Client.ask(port, text, until: "}}\n")
      #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
      let body = answer.components(separatedBy: "\r\n\r\n").last ?? ""
      let error = try JSONDecoder().decode([String: [String: String]].self, from: Data(body.utf8))["error"]
      #expect(error?["code"] != "" && error?["message"] != "" && error?["remedy"] != "")
      #expect(error?.count == 3)
      // The next client is served as ever.
      let next = try await Client.ask(port, "GET /show HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      #expect(next.contains("200 OK"))
    }
  }

  @Test func aBodyThatStopsComingIsAnsweredAndClosed() async throws {
    var limits = HTTPLimits()
    limits.idleTime = .milliseconds(100)
    try await serving(limits: limits, echo) { port, _ in
      let answer = try await Client.ask(port, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
      #expect(answer.hasPrefix("HTTP/1.1 408 "))
    }
  }

  @Test func aHeadThatComesTooSlowlyIsClosed() async throws {
    var limits = HTTPLimits()
    limits.headTime = .milliseconds(100)
    try await serving(limits: limits, echo) { port, _ in
      let answer = try await Client.ask(port, "GET / HTTP/1.1\r\nHost: a\r\nX-")
      #expect(answer == "")
    }
  }

  @Test func aClientThatSaysNothingIsClosed() async throws {
    var limits = HTTPLimits()
    limits.idleTime = .milliseconds(100)
    try await serving(limits: limits, echo) { port, _ in
      let answer = try await Client.ask(port, "")
      #expect(answer == "")
    }
  }

  @Test func aLargeBodyThatNobodyWantsDoesNotHideTheAnswer() async throws {
    try await serving(echo) { port, _ in
      let client = try Client(port: port)
      let sent = Task { await onThread { client.send("POST /ignored HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"); client.send([UInt8](repeating: 0, count: 300_000)) } }
      let answer = await client.receiveAll()
      await sent.value
      #expect(answer.hasPrefix("HTTP/1.1 401 "))
      #expect(answer.hasSuffix("no\n"))
    }
  }

  @Test func fiveHundredHalfOpenConnectionsStopNobody() async throws {
    try await serving(echo) { port, _ in
      // On a thread of its own: a connection waits when the server's queue is full, and the server needs the tasks' threads to empty it.
      let strangers = try await onThread {
        Result {
          try (0..<500).map { number in
            let client = try Client(port: port)
            if number % 2 == 0 { client.send("GET /show HTTP/1.1\r\nHost: a\r\nX-Slow") }
            return client
          }
        }
      }.get()
      let began = ContinuousClock.now
      let next = try await Client.ask(port, "GET /show HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      #expect(next.contains("200 OK"))
      #expect(ContinuousClock.now - began < .seconds(2))
      #expect(strangers.count == 500)
    }
  }
}
