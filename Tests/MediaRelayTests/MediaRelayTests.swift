import CPNSModel
import Foundation
import GatewayCore
import MediaRelay
import Synchronization
import Testing

@Suite struct MediaRelayTests {
  @Test func aDeviceGetsTheContentWithItsHeaders() async throws {
    try await relaying { relay in
      let bytes = someBytes(1_000_000)
      let ticket = try await relay.publish(GrowingFile(whole: bytes, name: "My film (1) – €.mov"))
      #expect(ticket.url.range(of: "^http://127.0.0.1:\(relay.port)/m/[0-9a-f]{32}/My_film_1.mp4$", options: .regularExpression) != nil, "\(ticket.url)")
      let response = try await relay.get(ticket, "getcontentFeatures.dlna.org: 1\r\n")
      #expect(response.status == 200)
      #expect(response.body == bytes)
      #expect(response["content-type"] == "video/mp4")
      #expect(response["content-length"] == "1000000")
      #expect(response["accept-ranges"] == "bytes")
      #expect(response["transferMode.dlna.org"] == "Streaming")
      #expect(response["contentFeatures.dlna.org"] == "DLNA.ORG_OP=01")
    }
  }

  @Test func headTellsAndSendsNothing() async throws {
    try await relaying { relay in
      let ticket = try await relay.publish(GrowingFile(whole: someBytes(1_000)))
      let client = try Client(port: relay.port)
      let head = await client.ask("HEAD \(relay.path(ticket)) HTTP/1.1\r\nHost: a\r\n\r\n", hasBody: false)
      #expect(head.status == 200 && head["content-length"] == "1000" && head.body.isEmpty)
      // The same connection then gets the content.
      let get = await client.ask("GET \(relay.path(ticket)) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      #expect(get.body == someBytes(1_000))
    }
  }

  @Test(arguments: [("bytes=10-19", 10..<20), ("bytes=999990-", 999_990..<1_000_000), ("bytes=-7", 999_993..<1_000_000), ("bytes=100-600000", 100..<600_001)])
  func aRangeIsServedAsAskedFor(_ range: String, _ expected: Range<Int>) async throws {
    try await relaying { relay in
      let bytes = someBytes(1_000_000)
      let ticket = try await relay.publish(GrowingFile(whole: bytes))
      let response = try await relay.get(ticket, "Range: \(range)\r\n")
      #expect(response.status == 206)
      #expect(response["content-range"] == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/1000000")
      #expect(response.body == Array(bytes[expected]))
    }
  }

  @Test func wrongRequestsGetTheirStatusAndTheConnectionOrTheRelayGoOn() async throws {
    try await relaying { relay in
      let ticket = try await relay.publish(GrowingFile(whole: someBytes(100)))
      let strange = try await relay.publish(GrowingFile(whole: someBytes(100)), client: "127.0.0.9")
      let post = try await relay.get(ticket, method: "POST")
      #expect(post.status == 405 && post["allow"] == "GET, HEAD")
      let range = try await relay.get(ticket, "Range: bytes=100-\r\n")
      #expect(range.status == 416 && range["content-range"] == "bytes */100")
      #expect(try await relay.get(ticket, "transferMode.dlna.org: Interactive\r\n").status == 406)
      // What was never given out and what was given to somebody else look the same.
      let unknown = try await relay.get(RelayTicket(token: "x", url: "http://127.0.0.1:\(relay.port)/m/00000000000000000000000000000000/a.mp4"))
      let others = try await relay.get(strange)
      #expect(unknown.status == 404 && others.head == unknown.head)
      #expect(try await Client(port: relay.port).ask("GET / HTTP/1.1\r\n\r\n").status == 404)
      #expect(try await Client(port: relay.port).ask("nonsense\r\n\r\n").status == 400)
      #expect(try await Client(port: relay.port).ask("GET /m/a HTTP/9.9\r\n\r\n").status == 505)
      #expect(try await Client(port: relay.port).ask("GET /m/a HTTP/1.1\r\nA: \(String(repeating: "b", count: 9_000))\r\n\r\n").status == 431)
      #expect(try await relay.get(ticket).body == someBytes(100))
      // The other client has it.
      let other = try Client(port: relay.port, from: "127.0.0.9")
      #expect(await other.ask("GET \(relay.path(strange)) HTTP/1.1\r\n\r\n").body == someBytes(100))
    }
  }

  @Test func oneConnectionCarriesManyRequestsEvenAtOnce() async throws {
    try await relaying { relay in
      let ticket = try await relay.publish(GrowingFile(whole: someBytes(100)))
      let client = try Client(port: relay.port)
      let one = "GET \(relay.path(ticket)) HTTP/1.1\r\nRange: bytes="
      client.send("\(one)0-9\r\n\r\n\(one)200-\r\n\r\n\(one)10-19\r\nConnection: close\r\n\r\n")
      let all = await onThread {
        var all: [UInt8] = []
        while true {
          let piece = client.receive()
          if piece.isEmpty { return all }
          all += piece
        }
      }
      #expect(String(decoding: all, as: UTF8.self).components(separatedBy: "HTTP/1.1 ").map { $0.prefix(3) } == ["", "206", "416", "206"])
      #expect(all.suffix(10) == someBytes(100)[10..<20])
    }
  }

  @Test func aWithdrawnURLIsGoneAndItsTransfersEnd() async throws {
    try await relaying { relay in
      let content = GrowingFile(size: 1_000)
      content.write(someBytes(500))
      let ticket = try await relay.publish(content)
      let client = try Client(port: relay.port)
      client.send("GET \(relay.path(ticket)) HTTP/1.1\r\n\r\n")
      _ = await onThread { client.receive() }
      await relay.relay.withdraw(ticket)
      #expect(await client.response().status == 0)
      #expect(try await relay.get(ticket).status == 410)
      await relay.relay.withdraw(ticket)
    }
  }

  @Test func aURLExpires() async throws {
    try await relaying { relay in
      let ticket = try await relay.publish(GrowingFile(size: 10), lifetimeSeconds: 1)
      // Nothing ever comes, and at the deadline the connection ends.
      #expect(try await relay.get(ticket).body.isEmpty)
      #expect(try await relay.get(ticket).status == 410)
    }
  }

  @Test(arguments: [nil, 3_000_000] as [UInt64?])
  func eightReadersBehindAWriterGetEverything(_ size: UInt64?) async throws {
    try await relaying { relay in
      let bytes = someBytes(3_000_000)
      let content = GrowingFile(size: size)
      let ticket = try await relay.publish(content)
      let responses = try await withThrowingTaskGroup(of: Response?.self) { group in
        for number in 0..<8 { group.addTask { try await relay.get(ticket, version: size == nil && number % 2 == 1 ? "1.0" : "1.1") } }
        group.addTask {
          for start in stride(from: 0, to: bytes.count, by: 50_000) {
            await onThread { content.write(Array(bytes[start..<start + 50_000])) }
            if start % 500_000 == 0 { await Task.yield() }
          }
          content.end()
          return nil
        }
        var all: [Response] = []
        for try await response in group { if let response { all.append(response) } }
        return all
      }
      for response in responses {
        #expect(response.status == 200)
        let body = response["transfer-encoding"] == "chunked" ? response.unchunked : response.body
        let isRight = body == bytes
        #expect(isRight, "\(body.count)")
      }
      #expect(responses.count == 8)
    }
  }

  @Test func aReaderOfContentWhoseSourceFailsIsNotToldThatItIsWhole() async throws {
    try await relaying { relay in
      let content = GrowingFile(size: nil)
      content.write(someBytes(1_000))
      let ticket = try await relay.publish(content)
      let client = try Client(port: relay.port)
      client.send("GET \(relay.path(ticket)) HTTP/1.1\r\n\r\n")
      _ = await onThread { client.receive() }
      content.fail("the server went away")
      let rest = await onThread { client.receive() + client.receive() }
      #expect(Client.find(Array("0\r\n\r\n".utf8), rest) == nil)
    }
  }

  @Test func aSlowReaderHoldsUpNobody() async throws {
    try await relaying { relay in
      let bytes = someBytes(30_000_000)
      let content = GrowingFile(whole: bytes)
      let ticket = try await relay.publish(content)
      var slow: [Client] = []
      for _ in 0..<8 {
        let client = try Client(port: relay.port, receiveBuffer: 4096)
        client.send("GET \(relay.path(ticket)) HTTP/1.1\r\n\r\n")
        slow.append(client)
      }
      let began = ContinuousClock.now
      let isRight = try await relay.get(ticket).body == bytes
      #expect(isRight)
      #expect(ContinuousClock.now - began < .seconds(10))
      #expect(slow.count == 8)
    }
  }

  @Test func fiveHundredSilentConnectionsStopNobody() async throws {
    try await relaying { relay in
      let ticket = try await relay.publish(GrowingFile(whole: someBytes(100)))
      var strangers: [Client] = []
      for number in 0..<500 {
        let client = try Client(port: relay.port, from: "127.0.1.\(number % 200 + 1)")
        if number % 2 == 0 { client.send("GET /m/") }
        strangers.append(client)
      }
      #expect(try await relay.get(ticket).body == someBytes(100))
      #expect(strangers.count == 500)
    }
  }

  @Test func whatADeviceReadIsToldOnceForEachByte() async throws {
    try await relaying { relay in
      let ticket = try await relay.publish(GrowingFile(whole: someBytes(1_000_000)))
      for range in ["0-499999", "400000-599999", "600000-"] { _ = try await relay.get(ticket, "Range: bytes=\(range)\r\nConnection: close\r\n") }
      var ended = 0
      var last: UInt64 = 0
      for await event in relay.relay.events {
        #expect(event.token == ticket.token && event.distinctBytes >= last)
        last = event.distinctBytes
        if event.requestEnded { ended += 1 }
        if ended == 3 { break }
      }
      #expect(last == 1_000_000)
    }
  }

  @Test func aPlayerThatStopsInTheMiddleAndGoesOnHasReadAll() async throws {
    try await relaying { relay in
      let ticket = try await relay.publish(GrowingFile(whole: someBytes(4_000_000)))
      let first: Int
      do {
        let client = try Client(port: relay.port)
        client.send("GET \(relay.path(ticket)) HTTP/1.1\r\n\r\n")
        // The head may come by itself; it has less than 400 bytes.
        first = await onThread {
          var count = 0
          while count <= 400 {
            let piece = client.receive(atMost: 100_000)
            if piece.isEmpty { break }
            count += piece.count
          }
          return count - 400
        }
      }
      #expect(first > 0)
      _ = try await relay.get(ticket, "Range: bytes=\(first)-\r\nConnection: close\r\n")
      for await event in relay.relay.events where event.distinctBytes == 4_000_000 { break }
    }
  }

  @Test func withoutARunningRelayNothingIsPublished() async throws {
    let relay = try await relaying { $0.relay }
    await #expect(throws: RelayError.self) {
      _ = try await relay.publish(RelayOffering(content: GrowingFile(size: 1), client: "127.0.0.1", localAddress: "127.0.0.1", contentFeatures: "", lifetimeSeconds: 1))
    }
  }

  @Test(arguments: [("tv.local", "127.0.0.1"), ("127.0.0.1", "eth0")])
  func anOfferingWithoutAddressesIsRefused(_ client: String, _ local: String) async throws {
    try await relaying { relay in
      await #expect(throws: RelayError.self) {
        _ = try await relay.relay.publish(RelayOffering(content: GrowingFile(size: 1), client: client, localAddress: local, contentFeatures: "", lifetimeSeconds: 1))
      }
    }
  }

  @Test func headersThatADeviceTriedToSmuggleInAreNotSent() async throws {
    try await relaying { relay in
      let ticket = try await relay.publish(GrowingFile(whole: someBytes(5), mediaType: "video/mp4\r\nX-Evil: 1"), contentFeatures: "a\r\nX-Evil: 1")
      let response = try await relay.get(ticket)
      #expect(response.status == 200 && response["x-evil"] == nil && response["content-type"] == "application/octet-stream")
    }
  }

  @Test func anEmptyContentIsServed() async throws {
    try await relaying { relay in
      let ticket = try await relay.publish(GrowingFile(whole: []))
      let response = try await relay.get(ticket)
      #expect(response.status == 200 && response["content-length"] == "0" && response.body.isEmpty)
    }
  }
}
