import MediaProtocol
import Testing
import UPnPSupervisor

private let start = ContinuousClock.Instant.now

@Suite struct RestartBackoffTests {
  @Test func eachEndInARowWaitsTwiceAsLongUpToABound() {
    var backoff = RestartBackoff()
    let waits = (0..<12).map { _ in backoff.next(upFor: nil, random: 1) }
    #expect(waits.prefix(4) == [.milliseconds(200), .milliseconds(400), .milliseconds(800), .milliseconds(1600)])
    #expect(waits.last == RestartBackoff.longest)
    let more = (0..<100).map { _ in backoff.next(upFor: nil, random: 1) }
    #expect(more.allSatisfy { $0 == RestartBackoff.longest })
  }

  @Test func workersDoNotStartInStep() {
    var (low, high) = (RestartBackoff(), RestartBackoff())
    let lows = [low.next(upFor: nil, random: 0), low.next(upFor: nil, random: -7)]
    let highs = [high.next(upFor: nil, random: 1), high.next(upFor: nil, random: 7)]
    #expect(lows == [.milliseconds(100), .milliseconds(200)] && highs == [.milliseconds(200), .milliseconds(400)])
  }

  @Test func aWorkerThatWasUpForAMinuteBeginsAnew() {
    var backoff = RestartBackoff()
    for _ in 0..<5 { _ = backoff.next(upFor: .seconds(59), random: 1) }
    let waits = [backoff.next(upFor: .seconds(59), random: 1), backoff.next(upFor: .seconds(60), random: 1)]
    #expect(waits == [.milliseconds(6400), .milliseconds(200)])
  }
}

@Suite struct InterfaceFactsTests {
  private func facts(_ name: String, _ index: UInt32 = 1, _ change: (inout InterfaceFacts) -> Void = { _ in }) -> InterfaceFacts {
    var facts = InterfaceFacts(name: name, index: index, address: "10.0.0.1", prefix: 24)
    change(&facts)
    return facts
  }

  @Test func withoutAWishAllThatCanHaveALANBehindThemAreTaken() {
    let all = [
      facts("eth0", 2), facts("lo", 1) { $0.isLoopback = true }, facts("tun0", 3) { $0.isPointToPoint = true }, facts("eth1", 4) { $0.isUp = false },
      facts("sit0", 5) { $0.hasMulticast = false }, facts("wlan0", 6),
    ]
    #expect(InterfaceFacts.suitable(all, wanted: []).map(\.name) == ["eth0", "wlan0"])
  }

  @Test func aWishIsFollowedAsFarAsItCanBe() {
    let all = [facts("eth0", 2), facts("lo", 1) { $0.isLoopback = true }, facts("tun0", 3) { $0.isPointToPoint = true }, facts("eth1", 4) { $0.isUp = false }]
    #expect(InterfaceFacts.suitable(all, wanted: ["tun0", "eth1", "lo", "none"]).map(\.name) == ["tun0"])
  }

  @Test func ofTooManyTheFirstAreTaken() {
    let all = (1...20).reversed().map { facts("eth\($0)", UInt32($0)) }
    #expect(InterfaceFacts.suitable(all, wanted: []).map(\.index) == Array(1...UInt32(InterfaceFacts.most)))
  }
}

@Suite struct KnownDevicesTests {
  private let grace = Duration.seconds(30)

  @Test func aDeviceGoesWithTheInterfaceWhereItWasSeenLast() {
    var known = KnownDevices(grace: grace)
    let isTaken = [known.appeared(UDN("a"), on: "eth0"), known.appeared(UDN("a"), on: "wlan0")]
    #expect(isTaken == [true, true])
    #expect(known.interface(of: UDN("a")) == "wlan0")
    let stale = known.vanished(UDN("a"), on: "eth0")
    let real = known.vanished(UDN("a"), on: "wlan0")
    let again = known.vanished(UDN("a"), on: "wlan0")
    #expect(!stale && real && !again)
  }

  @Test func whatANewWorkerDoesNotFindInTimeIsMissing() {
    var known = KnownDevices(grace: grace)
    for name in ["a", "b"] { _ = known.appeared(UDN(name), on: "eth0") }
    _ = known.appeared(UDN("c"), on: "wlan0")
    known.doubt("eth0", from: start)
    #expect(known.deadline == start + grace)
    _ = known.appeared(UDN("b"), on: "eth0")
    let early = known.missing(start + .seconds(29))
    let late = known.missing(start + .seconds(30))
    #expect(early == [] && late == [UDN("a")])
    #expect(known.deadline == nil && known.interface(of: UDN("a")) == nil && known.interface(of: UDN("c")) == "wlan0")
  }

  @Test func nobodyIsMissingWhileNobodyLooks() {
    var known = KnownDevices(grace: grace)
    _ = known.appeared(UDN("a"), on: "eth0")
    known.doubt("eth0", from: start)
    known.suspend("eth0")
    let missing = known.missing(start + .seconds(3600))
    #expect(missing == [] && known.interface(of: UDN("a")) == "eth0")
  }

  @Test func oneInterfaceDoesNotTakeTheRoomOfAnother() {
    var known = KnownDevices(grace: grace)
    var taken = 0
    for number in 0..<400 where known.appeared(UDN("\(number)"), on: "eth0") { taken += 1 }
    #expect(taken == KnownDevices.most)
    let isKnown = known.appeared(UDN("0"), on: "eth0")
    let isOther = known.appeared(UDN("x"), on: "wlan0")
    #expect(isKnown && isOther)
  }
}
