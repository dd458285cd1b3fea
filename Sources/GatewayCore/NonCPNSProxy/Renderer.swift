import CPNSModel
import Logging
import MediaProtocol

/// Plays one staged content on one virtual PNE, and says how it went.
struct Renderer: Sendable {
  /// A URL is gone after this, whatever the device does: longer than any film.
  private static let urlLifetimeSeconds = 6 * 3600
  /// Tries to hand over the URL while the worker or the device is away or busy for a moment.
  private static let playTries = 5
  /// Faults that pass: the action failed for now, and the transport is in the middle of something (AVTransport:1, 2.4; UPnP 1.1, 3.2.2).
  private static let passing: Set<Int> = [501, 701, 705]
  /// How often the machine looks at the clock while something plays.
  private static let tick = Duration.milliseconds(500)

  let proxy: NonCPNSProxy
  let relay: any MediaRelaying
  let reads: Broadcast<RelayEvent>
  let clock: WallClock
  let timer: any Clock<Duration>
  let logger: Logger

  enum Failure: Error, Equatable {
    case device(MediaError)
    case relay(String)
  }

  /// - Returns: how it ended, and how many bytes the device read; nil when cancelled.
  func play(_ order: DeliveryOrder, _ stage: any StagedContent, started: @Sendable () async -> Void) async throws(Failure) -> DeliveryOutcome? {
    guard let device = await proxy.device(order.consumer) else { throw .device(.unknownDevice) }
    let info = ProtocolInfo.offering(mediaType: order.content.mediaType, sink: device.sink)
    // Listening begins before Play, so that nothing is missed.
    let sources = Sources(events: proxy.observe(), reads: reads.subscribe())
    let ticket = try await publish(stage, device, info)
    let metadata = DIDL.item(title: order.content.name, mediaType: order.content.mediaType, url: ticket.url, protocolInfo: info, size: order.content.size)
    var outcome: DeliveryOutcome?
    let refusal = await start(ticket.url, metadata, on: order.consumer)
    if refusal == nil { outcome = await follow(order, device.udn, stage, ticket, sources, started) }
    if outcome == nil { await quietly(.stop, on: order.consumer) }
    await relay.withdraw(ticket)
    if let refusal { throw .device(refusal) }
    return outcome
  }

  private struct Sources: Sendable {
    let events: AsyncStream<MediaDeviceEvent>
    let reads: AsyncStream<RelayEvent>
  }

  private func publish(_ stage: any StagedContent, _ device: MediaDevice, _ info: ProtocolInfo) async throws(Failure) -> RelayTicket {
    do {
      return try await relay.publish(RelayOffering(
        content: stage, client: device.address, localAddress: device.localAddress, contentFeatures: info.additionalInfo,
        lifetimeSeconds: Self.urlLifetimeSeconds))
    } catch {
      throw .relay("\(error)")
    }
  }

  /// - Returns: why it can't be, after a few tries where a try may help.
  private func start(_ url: String, _ metadata: String, on consumer: EntityID) async -> MediaError? {
    var last = MediaError.unknownDevice
    for attempt in 1...Self.playTries {
      do throws(MediaError) {
        _ = try await proxy.perform(.play(uri: url, metadata: metadata), on: consumer)
        return nil
      } catch {
        last = error
        if case .fault(let code, _) = error, !Self.passing.contains(code) { return error }
        logger.info("play not taken yet", metadata: ["try": "\(attempt)", "error": "\(error)"])
      }
      do { try await timer.sleep(for: .seconds(1)) } catch { return last }
    }
    return last
  }

  /// Feeds the machine until it ends; nil when cancelled.
  private func follow(
    _ order: DeliveryOrder, _ udn: UDN, _ stage: any StagedContent, _ ticket: RelayTicket, _ sources: Sources,
    _ started: @Sendable () async -> Void
  ) async -> DeliveryOutcome? {
    let (inputs, input) = AsyncStream<Playback.Event>.makeStream(bufferingPolicy: .bufferingNewest(256))
    return await withTaskGroup(of: Void.self) { group in
      group.addTask { for await event in sources.events { Self.event(event, of: udn).map { _ = input.yield($0) } } }
      group.addTask { for await read in sources.reads where read.token == ticket.token { input.yield(.read(read.distinctBytes)) } }
      group.addTask { await tick(stage, input) }
      defer { group.cancelAll() }
      var playback = Playback(uri: ticket.url, mediaType: order.content.mediaType, size: order.content.size, now: clock.now())
      for await event in inputs {
        for action in playback.on(event, now: clock.now()) {
          switch action {
          case .tellPlaying: await started()
          case .askTransport: await ask(order.consumer, input)
          case .end(let state, let reason, let detail):
            return DeliveryOutcome(
              delivery: order.id, state: state, reason: reason, detail: detail, bytes: playback.bytesRead, sha256: order.content.sha256)
          }
        }
      }
      return nil
    }
  }

  private static func event(_ event: MediaDeviceEvent, of udn: UDN) -> Playback.Event? {
    switch event {
    case .transport(udn, let state, let uri): .transport(state, uri: uri)
    case .vanished(udn, let reason): .vanished(reason)
    case .appeared, .vanished, .transport, .worker, .refused: nil
    }
  }

  private func tick(_ stage: any StagedContent, _ input: AsyncStream<Playback.Event>.Continuation) async {
    while true {
      do { try await timer.sleep(for: Self.tick) } catch { return }
      if stage.isWhole { input.yield(.sizeKnown(stage.available)) }
      input.yield(.timePassed)
    }
  }

  private func ask(_ consumer: EntityID, _ input: AsyncStream<Playback.Event>.Continuation) async {
    do {
      guard case .transport(let state) = try await proxy.perform(.transportInfo, on: consumer) else { return }
      input.yield(.transport(state, uri: nil))
    } catch {
      logger.debug("transport state not known", metadata: ["error": "\(error)"])
    }
  }

  private func quietly(_ command: MediaCommand, on consumer: EntityID) async {
    do { _ = try await proxy.perform(command, on: consumer) } catch {
      logger.debug("device not stopped", metadata: ["error": "\(error)"])  // it ends by itself when the URL is gone
    }
  }
}
