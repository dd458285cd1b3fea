import CPNSModel
import GatewayCore
import MediaProtocol
import Testing

private let uri = "http://10.0.0.1/m/1/clip.mp4"
private let began = Timestamp(milliseconds: 1_000_000)

/// A playback of a hundred bytes, driven in seconds since its start.
private final class Script {
  private var playback: Playback
  /// Everything that it has ordered so far.
  private(set) var actions: [Playback.Action] = []

  init(type: String = "video/mp4", size: UInt64? = 100) { playback = Playback(uri: uri, mediaType: type, size: size, now: began) }

  @discardableResult
  func at(_ seconds: Double, _ event: Playback.Event) -> [Playback.Action] {
    let new = playback.on(event, now: Timestamp(milliseconds: began.milliseconds + Int64(seconds * 1000)))
    actions += new
    return new
  }

  @discardableResult
  func at(_ seconds: Double, _ state: TransportState, uri: String? = nil) -> [Playback.Action] { at(seconds, .transport(state, uri: uri)) }

  func playing(reading bytes: UInt64 = 0) -> Script {
    at(1, .playing, uri: uri)
    if bytes > 0 { at(2, .read(bytes)) }
    return self
  }

  var deadline: Double { Double(playback.deadline.milliseconds - began.milliseconds) / 1000 }
  var bytesRead: UInt64 { playback.bytesRead }
  /// State and reason of its end; nil while it goes on.
  var end: String? {
    guard case .end(let state, let reason, _)? = actions.last else { return nil }
    return "\(state) \(reason)"
  }
}

@Suite struct ProxyPlaybackTests {
  // MARK: Starting

  @Test func aRendererThatPlaysIsToldOnce() {
    let script = Script()
    #expect(script.at(1, .playing, uri: uri) == [.tellPlaying])
    #expect(script.at(2, .playing) == [])
    #expect(script.deadline == 6)
  }

  @Test(arguments: [TransportState.stopped, .noMedia, .transitioning, .paused, .other])
  func whatTheRendererWasBeforeItPlaysMeansNothing(_ state: TransportState) {
    let script = Script()
    script.at(0, state)
    script.at(0, state, uri: uri)
    script.at(0, state, uri: "http://10.0.0.1/m/0/what-was-there-before")
    #expect(script.actions.isEmpty)
  }

  @Test func whatPlayedBeforeIsNotTakenForOurs() {
    let script = Script()
    script.at(0, .playing, uri: "http://elsewhere/")
    #expect(script.actions.isEmpty)
    #expect(script.at(1, .playing, uri: "") == [.tellPlaying])
  }

  @Test func aRendererThatNeverReadsIsGivenUp() {
    let script = Script()
    #expect(script.deadline == 30)
    script.at(29.9, .timePassed)
    #expect(script.actions.isEmpty)
    script.at(30, .timePassed)
    #expect(script.end == "failed not-fetched")
  }

  @Test func aRendererThatReadsAndNeverPlaysIsAskedAndThenGivenUp() {
    let script = Script()
    script.at(20, .read(10))
    #expect(script.at(30, .timePassed) == [.askTransport])
    #expect(script.at(32, .timePassed) == [])
    for second in stride(from: 35.0, through: 45, by: 5) { #expect(script.at(second, .timePassed) == [.askTransport]) }
    script.at(50, .timePassed)
    #expect(script.end == "failed not-played")
  }

  @Test func aRendererThatReadAllIsAskedWhatItDoes() {
    let script = Script()
    script.at(1, .read(100))
    #expect(script.at(6, .timePassed) == [.askTransport])
    #expect(script.at(6, .playing) == [.tellPlaying])
  }

  @Test func aShortSoundOfWhichOnlyTheEndWasToldIsDelivered() {
    let script = Script()
    script.at(1, .read(100))
    script.at(2, .stopped)
    #expect(script.end == "delivered ")
  }

  // MARK: Playing

  @Test func aFilmThatIsReadAndStopsIsDelivered() {
    let script = Script().playing(reading: 100)
    #expect(script.end == nil)
    script.at(10, .stopped)
    #expect(script.end == "delivered " && script.bytesRead == 100)
  }

  @Test func noMediaAfterPlayingIsAnEndToo() {
    let script = Script().playing(reading: 100)
    script.at(10, .noMedia)
    #expect(script.end == "delivered ")
  }

  @Test(arguments: [TransportState.paused, .transitioning, .other])
  func aPauseIsNoEnd(_ state: TransportState) {
    let script = Script().playing(reading: 100)
    script.at(5, state)
    #expect(script.end == nil)
  }

  @Test func aFilmThatIsStoppedEarlyHasFailedAfterASecond() {
    let script = Script().playing(reading: 50)
    script.at(10, .stopped)
    #expect(script.end == nil && script.deadline == 11)
    script.at(11, .timePassed)
    #expect(script.end == "failed stopped-early")
  }

  @Test func theLastCountMayComeAfterTheStop() {
    let script = Script().playing(reading: 50)
    script.at(10, .stopped)
    script.at(10.5, .read(100))
    #expect(script.end == "delivered ")
  }

  @Test func aRendererThatStopsForAMomentPlaysOn() {
    let script = Script().playing(reading: 50)
    script.at(10, .stopped)
    script.at(10.2, .stopped)
    script.at(10.5, .playing)
    script.at(11, .timePassed)
    #expect(script.end == nil)
    script.at(12, .read(100))
    script.at(13, .stopped)
    #expect(script.end == "delivered ")
  }

  @Test func whilePlayingTheRendererIsAskedNowAndThen() {
    let script = Script().playing(reading: 10)
    #expect(script.at(6, .timePassed) == [.askTransport])
    #expect(script.at(7, .timePassed) == [])
    #expect(script.at(11, .timePassed) == [.askTransport])
  }

  @Test func aRendererThatHangsIsGivenUp() {
    let script = Script().playing(reading: 10)
    #expect(script.at(601.9, .timePassed) == [.askTransport])
    script.at(607, .timePassed)
    #expect(script.end == "failed stalled")
  }

  @Test func aRendererThatPlaysFromItsBufferOrIsPausedDoesNotHang() {
    let whole = Script().playing(reading: 100)
    whole.at(7200, .timePassed)
    #expect(whole.end == nil)
    let paused = Script().playing(reading: 10)
    paused.at(3, .paused)
    for second in stride(from: 10.0, through: 7200, by: 10) { paused.at(second, .timePassed) }
    #expect(paused.end == nil)
    paused.at(7201, .playing)
    #expect(paused.at(7300, .timePassed) == [.askTransport])
    paused.at(7900, .timePassed)
    #expect(paused.end == "failed stalled")
  }

  @Test func somebodyElsesContentEndsOurs() {
    let script = Script().playing(reading: 10)
    script.at(5, .transitioning, uri: "http://somebody/else")
    #expect(script.end == "failed replaced")
  }

  @Test func aCountThatGoesBackIsNotBelieved() {
    let script = Script().playing(reading: 60)
    script.at(3, .read(20))
    #expect(script.bytesRead == 60)
  }

  // MARK: Sizes

  @Test func aFilmWithoutASizeIsDeliveredWhenItsSizeIsKnownAndRead() {
    let script = Script(size: nil).playing(reading: 70)
    script.at(10, .sizeKnown(70))
    script.at(11, .stopped)
    #expect(script.end == "delivered ")
  }

  @Test func aFilmWhoseSizeNeverCameWasStoppedEarly() {
    let script = Script(size: nil).playing(reading: 70)
    script.at(10, .stopped)
    script.at(11, .timePassed)
    #expect(script.end == "failed stopped-early")
    guard case .end(_, _, let detail)? = script.actions.last else { return }
    #expect(detail.contains("70 of ?"))
  }

  // MARK: Pictures

  @Test func aPictureIsDeliveredWhenItIsShownAndStaysOnScreen() {
    let script = Script(type: "image/jpeg").playing()
    #expect(script.end == nil)
    script.at(2, .read(100))
    #expect(script.end == "delivered ")
  }

  @Test func aPictureThatIsReadAndThenShownIsDelivered() {
    let script = Script(type: "IMAGE/png")
    script.at(1, .read(100))
    #expect(script.at(2, .playing) == [.tellPlaying, .end(.delivered, reason: "", detail: "")])
  }

  @Test func aPictureOnARendererThatNeverSaysSoIsDeliveredWhenItWasRead() {
    let script = Script(type: "image/jpeg")
    script.at(1, .read(100))
    #expect(script.deadline == 4)
    script.at(4, .timePassed)
    #expect(script.end == "delivered ")
  }

  @Test func aPictureThatIsHalfReadIsNotDelivered() {
    let script = Script(type: "image/jpeg").playing(reading: 50)
    script.at(3, .stopped)
    script.at(4, .timePassed)
    #expect(script.end == "failed stopped-early")
  }

  // MARK: The end

  @Test(arguments: [VanishReason.byebye, .maxAge, .probeFailed])
  func aRendererThatGoesAwayTakesItsDeliveryWithIt(_ reason: VanishReason) {
    for script in [Script(), Script().playing(reading: 99)] {
      script.at(10, .vanished(reason))
      #expect(script.end == "failed device-lost")
    }
  }

  @Test func afterItsEndNothingMatters() {
    let script = Script().playing(reading: 100)
    script.at(10, .stopped)
    let count = script.actions.count
    for event in [Playback.Event.transport(.playing, uri: nil), .read(5), .sizeKnown(9), .vanished(.byebye), .timePassed] { script.at(100, event) }
    #expect(script.actions.count == count)
  }

  @Test func timeAtItsEndsDoesNotTrap() {
    #expect(Timestamp(milliseconds: .max).adding(seconds: 30).milliseconds == .max)
    var playback = Playback(uri: uri, mediaType: "", size: .max, now: Timestamp(milliseconds: .max))
    let actions = playback.on(.read(.max), now: Timestamp(milliseconds: .min)) + playback.on(.timePassed, now: Timestamp(milliseconds: .max))
    #expect(actions.count == 1)
  }
}
