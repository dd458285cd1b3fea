package import CPNSModel
package import MediaProtocol

/// One content on one renderer, from Play to its end, as the renderer and the relay tell it.
///
///     starting ──PLAYING──▶ playing ──STOPPED, all bytes read──▶ ended(delivered)
///        │ 30 s, nothing read      │ STOPPED, bytes missing ──1 s──▶ ended(stopped-early)
///        └──▶ ended(not-fetched)   ├ gone ──▶ ended(device-lost)
///                                  └ nothing read for long, bytes missing ──▶ ended(stalled)
///     a picture ends as delivered when it is shown: renderers keep it on screen
///
/// Time is an argument; `deadline` says when to call ``timePassed(now:)``.
package struct Playback: Sendable, Equatable {
  package enum Event: Sendable, Equatable {
    case transport(TransportState, uri: String?)
    /// Distinct bytes of the content that the renderer has read.
    case read(UInt64)
    /// All bytes have arrived at the gateway: the content has this size.
    case sizeKnown(UInt64)
    case vanished(VanishReason)
    case timePassed
  }

  package enum Action: Sendable, Equatable {
    /// Tell the server and whoever watches that it plays.
    case tellPlaying
    /// GetTransportInfo: an event may have been lost.
    case askTransport
    case end(DeliveryState, reason: String, detail: String)
  }

  private enum Phase: Sendable, Equatable { case starting, playing, settling, ended }

  /// Longest wait for the renderer to begin: a TV that wakes from standby takes 20 s.
  package static let startSeconds: Int64 = 30
  /// STOPPED and the relay's last count come by different ways.
  package static let settleSeconds: Int64 = 1
  /// How often a renderer whose events are late is asked.
  package static let askSeconds: Int64 = 5
  /// A renderer that says PLAYING and reads nothing, although it has not everything, hangs. A film may be buffered for minutes.
  package static let stallSeconds: Int64 = 600
  /// Some renderers show a picture and never say PLAYING.
  package static let pictureSeconds: Int64 = 3

  package private(set) var deadline: Timestamp
  private var phase = Phase.starting
  private let uri: String
  private let isPicture: Bool
  private var size: UInt64?
  private var read: UInt64 = 0
  private var giveUp: Timestamp
  private var isPaused = false

  package init(uri: String, mediaType: String, size: UInt64?, now: Timestamp) {
    self.uri = uri
    self.isPicture = mediaType.lowercased().hasPrefix("image/")
    self.size = size
    self.giveUp = now.adding(seconds: Self.startSeconds)
    self.deadline = giveUp
  }

  package var bytesRead: UInt64 { read }
  /// Nobody buffers pictures.
  private var patience: Int64 { phase == .starting || isPicture ? Self.startSeconds : Self.stallSeconds }
  private var hasAll: Bool { size.map { read >= $0 } ?? false }

  package mutating func on(_ event: Event, now: Timestamp) -> [Action] {
    if phase == .ended { return [] }
    switch event {
    case .transport(let state, let theirs): return transport(state, theirs, now)
    case .read(let bytes):
      if bytes > read { giveUp = now.adding(seconds: patience) }
      read = max(read, bytes)
      return progressed(now)
    case .sizeKnown(let bytes):
      size = bytes
      return progressed(now)
    case .vanished(let reason): return end(.failed, "device-lost", "the device went away (\(reason.rawValue)) before the end")
    case .timePassed: return timePassed(now)
    }
  }

  private mutating func transport(_ state: TransportState, _ theirs: String?, _ now: Timestamp) -> [Action] {
    if let theirs, !theirs.isEmpty, theirs != uri {
      // Before it plays, that is what was there before; afterwards somebody else put it there.
      return phase == .starting ? [] : end(.failed, "replaced", "the device was given something else to play")
    }
    isPaused = state == .paused
    switch state {
    case .playing: return nowPlaying(now)
    case .stopped, .noMedia: return stopped(now)
    case .transitioning, .paused, .other: return []
    }
  }

  private mutating func nowPlaying(_ now: Timestamp) -> [Action] {
    guard phase != .playing else { return [] }
    phase = .playing
    giveUp = now.adding(seconds: patience)
    deadline = now.adding(seconds: Self.askSeconds)
    return [.tellPlaying] + (isPicture && hasAll ? end(.delivered) : [])
  }

  private mutating func stopped(_ now: Timestamp) -> [Action] {
    switch phase {
    case .starting:
      // Its state from before Play; or it played so briefly that only the end was told.
      return hasAll ? end(.delivered) : []
    case .playing:
      if hasAll { return end(.delivered) }
      phase = .settling
      deadline = now.adding(seconds: Self.settleSeconds)
      return []
    case .settling, .ended: return []
    }
  }

  private mutating func progressed(_ now: Timestamp) -> [Action] {
    guard hasAll else { return [] }
    switch phase {
    case .starting:
      deadline = min(deadline, now.adding(seconds: isPicture ? Self.pictureSeconds : Self.askSeconds))
      return []
    case .playing: return isPicture ? end(.delivered) : []
    case .settling: return end(.delivered)
    case .ended: return []
    }
  }

  private mutating func timePassed(_ now: Timestamp) -> [Action] {
    guard now >= deadline else { return [] }
    switch phase {
    case .starting where isPicture && hasAll: return end(.delivered)
    case .starting where now >= giveUp && read == 0:
      return end(.failed, "not-fetched", "the device took the command and never read the content within \(Self.startSeconds) s")
    case .starting where now >= giveUp: return end(.failed, "not-played", "the device read \(read) bytes and never played")
    case .playing where isPaused:
      giveUp = now.adding(seconds: patience)
      deadline = now.adding(seconds: Self.askSeconds)
      return [.askTransport]
    case .playing where now >= giveUp && !hasAll && size != nil:
      return end(.failed, "stalled", "the device says that it plays, and read nothing for \(patience) s; it has \(read) of \(size.map(String.init) ?? "?") bytes")
    case .settling: return end(.failed, "stopped-early", "playing was stopped after \(read) of \(size.map(String.init) ?? "?") bytes were read")
    case .starting, .playing:
      deadline = now.adding(seconds: Self.askSeconds)
      return [.askTransport]
    case .ended: return []
    }
  }

  private mutating func end(_ state: DeliveryState, _ reason: String = "", _ detail: String = "") -> [Action] {
    phase = .ended
    return [.end(state, reason: reason, detail: detail)]
  }
}

extension Timestamp {
  /// Saturates at the ends of time.
  package func adding(seconds: Int64) -> Timestamp {
    let (sum, overflow) = milliseconds.addingReportingOverflow(seconds * 1000)
    return Timestamp(milliseconds: overflow ? .max : sum)
  }
}
