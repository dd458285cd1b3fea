import MediaProtocol
import Testing

@testable import UPnPWorker

private let tv = IPAddress(10, 0, 0, 9)
private let other = IPAddress(10, 0, 0, 10)
private let start = ContinuousClock.Instant.now

private func url(_ host: IPAddress = tv, _ number: Int = 0) -> LANURL { LANURL(host: host, port: 80, path: "/\(number)") }

private func found(_ udn: String, at source: IPAddress = tv, name: String = "TV") -> FoundDevice {
  FoundDevice(
    device: MediaDevice(
      udn: UDN(udn), role: .renderer, deviceType: "t", friendlyName: name, manufacturer: "", modelName: "", address: "\(source)",
      interface: "eth0", localAddress: "10.0.0.1", sink: [], source: []),
    services: [], source: source)
}

private func notice(_ udn: String = "a", _ url: LANURL = url(), maxAge: Int = 100, from source: IPAddress = tv) -> Roster.Event {
  .noticed(SSDPNotice(udn: UDN(udn), location: url, maxAge: maxAge), from: source)
}

/// A roster with device "a" at the TV's address.
private func known(_ devices: [FoundDevice] = [found("a")]) -> Roster {
  var roster = Roster()
  _ = roster.on(notice(), now: start)
  _ = roster.on(.described(url(), devices: devices), now: start)
  return roster
}

@Suite struct RosterTests {
  @Test func anAnnouncedDeviceIsDescribedOnceAndThenThere() {
    var roster = Roster()
    #expect(roster.on(notice(), now: start) == [.describe(url(), from: tv)])
    #expect(roster.on(notice(), now: start) == [])
    #expect(roster.found(UDN("a")) == nil)
    #expect(roster.on(.described(url(), devices: [found("a")]), now: start) == [.appear(found("a"))])
    #expect(roster.on(notice(), now: start) == [])
    #expect(roster.found(UDN("a")) == found("a") && roster.count == 1)
  }

  @Test func aDeviceThatSaysGoodbyeIsGoneAtOnceAndComesBack() {
    var roster = known()
    #expect(roster.on(.saidGoodbye(UDN("a"), from: tv), now: start) == [.vanish(UDN("a"), .byebye), .searchSoon])
    #expect(roster.on(.saidGoodbye(UDN("a"), from: tv), now: start) == [])
    #expect(roster.on(notice(), now: start) == [.describe(url(), from: tv)])
  }

  @Test func aGoodbyeFromAnotherAddressCountsForNothing() {
    var roster = known()
    #expect(roster.on(.saidGoodbye(UDN("a"), from: other), now: start) == [])
    #expect(roster.found(UDN("a")) != nil)
  }

  @Test func aGoodbyeBeforeTheDescriptionCameMeansThatItDoesNotCount() {
    var roster = Roster()
    _ = roster.on(notice(), now: start)
    #expect(roster.on(.saidGoodbye(UDN("a"), from: tv), now: start) == [])
    #expect(roster.on(.described(url(), devices: [found("a")]), now: start) == [])
    #expect(roster.count == 0)
  }

  @Test func oneOfTwoDevicesOfADescriptionMayGoAndComeBack() {
    var roster = known([found("a"), found("b")])
    #expect(roster.on(.saidGoodbye(UDN("b"), from: tv), now: start) == [.vanish(UDN("b"), .byebye), .searchSoon])
    #expect(roster.found(UDN("a")) != nil)
    #expect(roster.on(notice("b"), now: start) == [.describe(url(), from: tv)])
    #expect(roster.on(.described(url(), devices: [found("a"), found("b")]), now: start) == [.appear(found("b"))])
  }

  @Test func aDescriptionURLBelongsToTheAddressThatCameFirst() {
    var roster = known()
    guard case .refuse(_, let why)? = roster.on(notice(from: other), now: start).first else { Issue.record("not refused"); return }
    #expect(why.contains("10.0.0.10"))
  }

  @Test func aDeviceWhoseNoticesStopIsAskedBeforeItIsGone() {
    var roster = known()
    #expect(roster.deadline == start + .seconds(100))
    #expect(roster.on(.timePassed, now: start + .seconds(99)) == [])
    #expect(roster.on(.timePassed, now: start + .seconds(100)) == [.probe(url())])
    #expect(roster.deadline == nil)
    #expect(roster.on(.probed(url(), answered: false), now: start + .seconds(102)) == [.vanish(UDN("a"), .maxAge)])
    #expect(roster.found(UDN("a")) == nil)
  }

  @Test func aDeviceThatStillAnswersStays() {
    var roster = known()
    _ = roster.on(.timePassed, now: start + .seconds(100))
    #expect(roster.on(.probed(url(), answered: true), now: start + .seconds(101)) == [])
    #expect(roster.found(UDN("a")) != nil)
    #expect(roster.deadline == start + .seconds(201))
  }

  @Test func aNoticeProlongsAndNeverShortens() {
    var roster = known()
    _ = roster.on(notice(maxAge: 10), now: start + .seconds(20))
    #expect(roster.deadline == start + .seconds(100))
    _ = roster.on(notice(maxAge: 100), now: start + .seconds(50))
    #expect(roster.deadline == start + .seconds(150))
  }

  @Test func aCommandThatDidNotGetThroughLeadsToOneProbe() {
    var roster = known()
    #expect(roster.on(.wasUnreachable(UDN("a")), now: start) == [.probe(url())])
    #expect(roster.on(.wasUnreachable(UDN("a")), now: start) == [])
    #expect(roster.on(.probed(url(), answered: false), now: start) == [.vanish(UDN("a"), .probeFailed)])
    #expect(roster.on(.wasUnreachable(UDN("a")), now: start) == [])
    #expect(roster.on(.probed(url(), answered: false), now: start) == [])
  }

  @Test func aDescriptionThatFailsIsTriedAgainLaterAndLater() {
    var roster = Roster()
    _ = roster.on(notice(maxAge: 10_000), now: start)
    var now = start
    for wait in [2, 10, 60, 300, 300] {
      #expect(roster.on(.notDescribed(url(), why: "no"), now: now) == [.refuse("\(url())", why: "no")])
      #expect(roster.deadline == now + .seconds(wait))
      #expect(roster.on(.timePassed, now: now + .milliseconds(wait * 1000 - 1)) == [])
      now += .seconds(wait)
      #expect(roster.on(.timePassed, now: now) == [.describe(url(), from: tv)])
    }
    #expect(roster.on(.described(url(), devices: [found("a")]), now: now) == [.appear(found("a"))])
  }

  @Test func aDescriptionThatFailsIsForgottenWhenItsNoticesStop() {
    var roster = Roster()
    _ = roster.on(notice(maxAge: 5), now: start)
    for _ in 0..<2 {
      _ = roster.on(.notDescribed(url(), why: "no"), now: start)
      _ = roster.on(.timePassed, now: start + .seconds(2))
    }
    #expect(roster.on(.timePassed, now: start + .seconds(5)) == [])
    #expect(roster.deadline == nil)
    #expect(roster.on(notice(), now: start + .seconds(6)) == [.describe(url(), from: tv)])
  }

  @Test func whatADescriptionNoLongerHasIsGoneAndWhatChangedIsToldAnew() {
    var roster = known([found("a"), found("b"), found("c")])
    _ = roster.on(.saidGoodbye(UDN("c"), from: tv), now: start)
    _ = roster.on(notice("c"), now: start)
    let actions = roster.on(.described(url(), devices: [found("a", name: "New"), found("c")]), now: start)
    #expect(actions == [.appear(found("a", name: "New")), .appear(found("c")), .vanish(UDN("b"), .byebye)])
  }

  @Test func aDeviceThatWasRestartedHasItsNewDescriptionURL() {
    var roster = known()
    _ = roster.on(notice("a", url(tv, 1)), now: start)
    #expect(roster.on(.described(url(tv, 1), devices: [found("a", name: "Again")]), now: start) == [.appear(found("a", name: "Again"))])
    #expect(roster.count == 1)
    // The old URL is not probed for it any more.
    #expect(roster.on(.timePassed, now: start + .seconds(100)) == [.probe(url(tv, 1))])
  }

  @Test func whoTakesTheNameOfADeviceThatAnswersDoesNotGetIt() {
    var roster = known()
    _ = roster.on(notice("a", url(other), from: other), now: start)
    let actions = roster.on(.described(url(other), devices: [found("a", at: other)]), now: start)
    #expect(actions.count == 2 && actions.last == .probe(url()))
    guard case .refuse? = actions.first else { Issue.record("not refused"); return }
    #expect(roster.on(.probed(url(), answered: true), now: start) == [])
    #expect(roster.found(UDN("a"))?.source == tv)
  }

  @Test func aDeviceThatGotAnotherAddressIsThereAsSoonAsTheOldOneIsSilent() {
    var roster = known()
    _ = roster.on(notice("a", url(other), from: other), now: start)
    _ = roster.on(.described(url(other), devices: [found("a", at: other)]), now: start)
    #expect(roster.on(.probed(url(), answered: false), now: start) == [.vanish(UDN("a"), .probeFailed), .describe(url(other), from: other)])
    #expect(roster.on(.described(url(other), devices: [found("a", at: other)]), now: start) == [.appear(found("a", at: other))])
    #expect(roster.found(UDN("a"))?.source == other)
  }

  @Test func oneAddressHasRoomForEightDescriptions() {
    var roster = Roster()
    for number in 0..<Roster.mostRootsOfOneAddress { #expect(roster.on(notice("\(number)", url(tv, number)), now: start).count == 1) }
    guard case .refuse? = roster.on(notice("x", url(tv, 99)), now: start).first else { Issue.record("not refused"); return }
    // Others are not held up by it.
    #expect(roster.on(notice("y", url(other), from: other), now: start) == [.describe(url(other), from: other)])
  }

  @Test func knownDescriptionsAreKeptWhenThereIsNoRoomForMore() {
    var roster = Roster()
    for number in 0..<Roster.mostRoots {
      let host = IPAddress(10, 0, 1, UInt8(number / Roster.mostRootsOfOneAddress))
      _ = roster.on(notice("\(number)", url(host, number), from: host), now: start)
      _ = roster.on(.described(url(host, number), devices: [found("\(number)", at: host)]), now: start)
    }
    #expect(roster.count == Roster.mostDevices)
    guard case .refuse? = roster.on(notice("x", url(other), from: other), now: start).first else { Issue.record("not refused"); return }
    #expect(roster.found(UDN("0")) != nil)
  }

  @Test func moreDevicesThanThereIsRoomForAreRefusedOneByOne() {
    var roster = known()
    let many = (0..<Roster.mostDevices).map { found("\($0)", at: other) }
    _ = roster.on(notice("0", url(other), from: other), now: start)
    let actions = roster.on(.described(url(other), devices: many), now: start)
    #expect(actions.count { if case .appear = $0 { true } else { false } } == Roster.mostDevices - 1)
    #expect(actions.count { if case .refuse = $0 { true } else { false } } == 1)
    #expect(roster.count == Roster.mostDevices && roster.found(UDN("a")) != nil)
  }

  @Test func whatNobodyAskedForChangesNothing() {
    var roster = Roster()
    #expect(roster.on(.described(url(), devices: [found("a")]), now: start) == [])
    #expect(roster.on(.notDescribed(url(), why: ""), now: start) == [])
    #expect(roster.on(.probed(url(), answered: false), now: start) == [])
    #expect(roster.on(.timePassed, now: start) == [])
    #expect(roster.on(.saidGoodbye(UDN("a"), from: tv), now: start) == [])
    #expect(roster.deadline == nil && roster.count == 0)
  }
}
