import FoundationEssentials
import Logging
import MediaProtocol
import Synchronization
import Testing
import UPnPSupervisor

/// The interfaces of a machine that does not exist; their names say how their workers behave (see the probe).
private final class Machine: Sendable {
  private let names: Mutex<[String: String]>

  init(_ names: [String]) { self.names = Mutex(Dictionary(uniqueKeysWithValues: names.map { ($0, "10.0.0.1") })) }

  func set(_ name: String, _ address: String?) { names.withLock { $0[name] = address } }
  var all: [InterfaceFacts] {
    names.withLock { $0.sorted { $0.key < $1.key } }.enumerated().map { InterfaceFacts(name: $1.key, index: UInt32($0), address: $1.value, prefix: 24) }
  }
}

private let probe = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "upnp-worker-probe").path

/// Reads the supervisor's events until one is what a test waits for.
private final class Reader {
  private let stream: AsyncStream<MediaDeviceEvent>
  private(set) var all: [MediaDeviceEvent] = []

  init(_ stream: AsyncStream<MediaDeviceEvent>) { self.stream = stream }

  @discardableResult
  func until(_ isIt: (MediaDeviceEvent) -> Bool) async throws -> MediaDeviceEvent {
    for await event in stream {
      all.append(event)
      if isIt(event) { return event }
    }
    throw CancellationError()
  }

  func untilUp() async throws { try await until { if case .worker(_, true, _) = $0 { true } else { false } } }
  /// - Returns: why; empty when the events end before.
  func untilDown() async -> String {
    guard case .worker(_, false, let detail)? = try? await until({ if case .worker(_, false, _) = $0 { true } else { false } }) else { return "" }
    return detail
  }
  func untilAppeared(_ udn: String) async throws { try await until { if case .appeared(let device) = $0 { device.udn == UDN(udn) } else { false } } }

  func count(_ isIt: (MediaDeviceEvent) -> Bool) -> Int { all.count(where: isIt) }
  var vanished: Int { count { if case .vanished = $0 { true } else { false } } }
}

private func supervising(
  _ names: [String], pace: (inout SupervisorPace) -> Void = { _ in }, executable: String = probe,
  _ body: (UPnPSupervisor, Machine, Reader) async throws -> Void
) async throws {
  let machine = Machine(names)
  var times = SupervisorPace()
  pace(&times)
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  let supervisor = UPnPSupervisor(executable: executable, interfaces: [], pace: times, logger: logger, present: { machine.all })
  let running = Task { await supervisor.run() }
  let result: Result<Void, any Error>
  do { result = .success(try await body(supervisor, machine, Reader(supervisor.events))) } catch { result = .failure(error) }
  running.cancel()
  await running.value
  try result.get()
}

private func answer(_ supervisor: UPnPSupervisor, _ command: MediaCommand, on udn: String = "a") async -> Result<MediaReply, MediaError> {
  do throws(MediaError) { return .success(try await supervisor.perform(command, on: UDN(udn))) } catch { return .failure(error) }
}

private func isBusy(_ result: Result<MediaReply, MediaError>) -> Bool { if case .failure(.busy) = result { true } else { false } }

@Suite(.timeLimit(.minutes(1))) struct SupervisorTests {
  @Test func aWorkerIsStartedAndItsDevicesAndAnswersArePassedOn() async throws {
    try await supervising(["good:"]) { supervisor, _, reader in
      try await reader.untilAppeared("a")
      // The interface is what the supervisor knows it to be, whatever a worker says.
      #expect(reader.all.first == .worker(interface: "good:", up: true, detail: "10.0.0.1"))
      guard case .appeared(let device)? = reader.all.last else { Issue.record(); return }
      #expect(device.interface == "good:")
      #expect(await answer(supervisor, .transportInfo) == .success(.transport(.playing)))
      #expect(await answer(supervisor, .metadata(object: "1")) == .failure(.fault(code: 701, text: "no such object")))
      #expect(await answer(supervisor, .transportInfo, on: "nobody") == .failure(.unknownDevice))
    }
  }

  @Test func aWorkerThatDiesIsStartedAgainAndTakesNoDeviceWithIt() async throws {
    let memory = FileManager.default.temporaryDirectory.appending(path: "frail-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: memory) }
    try await supervising(["frail:\(memory)"]) { supervisor, _, reader in
      #expect(await reader.untilDown() == "exit status 9")
      try await reader.untilUp()
      try await reader.untilAppeared("frail")
      #expect(reader.vanished == 0)
      #expect(await answer(supervisor, .transportInfo, on: "frail") == .success(.transport(.playing)))
    }
  }

  @Test func aCommandThatEndsItsWorkerIsAnsweredAndTheNextOnesAreToo() async throws {
    try await supervising(["good:"]) { supervisor, _, reader in
      try await reader.untilAppeared("a")
      #expect(isBusy(await answer(supervisor, .stop)))
      // It is down now, or just started.
      let next = await answer(supervisor, .transportInfo)
      #expect(isBusy(next) || next == .success(.transport(.playing)))
      try await reader.untilUp()
      try await reader.untilAppeared("a")
      #expect(await answer(supervisor, .transportInfo) == .success(.transport(.playing)))
    }
  }

  @Test func aWorkerThatCannotStartIsTriedMoreAndMoreSeldomAndSaysWhy() async throws {
    try await supervising(["stillborn:"]) { _, _, reader in
      let began = ContinuousClock.now
      for _ in 0..<4 { #expect(await reader.untilDown() == "no cable; exit status 7") }
      // At least half of 0.2, 0.4 and 0.8 s.
      #expect(ContinuousClock.now - began > .milliseconds(700))
    }
  }

  @Test func anExecutableThatIsNotThereIsSaid() async throws {
    try await supervising(["good:"], executable: "/nonexistent/pngw") { _, _, reader in
      #expect(await reader.untilDown().contains("No such file"))
    }
  }

  @Test func aWorkerThatIsNeverReadyIsEnded() async throws {
    try await supervising(["mute:"], pace: { $0.start = .milliseconds(200) }) { _, _, reader in
      #expect(await reader.untilDown() == "it did not answer")
    }
  }

  @Test func aWorkerThatFallsSilentIsEnded() async throws {
    try await supervising(["silent:"], pace: {
      $0.pingEvery = .milliseconds(100)
      $0.pingAnswer = .milliseconds(100)
    }) { _, _, reader in
      try await reader.untilUp()
      #expect(await reader.untilDown() == "it did not answer")
    }
  }

  @Test func aWorkerThatAnswersItsPingsLives() async throws {
    try await supervising(["good:"], pace: {
      $0.pingEvery = .milliseconds(20)
      $0.pingAnswer = .seconds(5)
    }) { supervisor, _, reader in
      try await reader.untilAppeared("a")
      for _ in 0..<200 { #expect(await answer(supervisor, .transportInfo) == .success(.transport(.playing))) }
      #expect(reader.count { if case .worker(_, false, _) = $0 { true } else { false } } == 0)
    }
  }

  @Test func aCommandWithoutAnAnswerFailsInItsTime() async throws {
    try await supervising(["lazy:"], pace: { $0.command = .milliseconds(200) }) { supervisor, _, reader in
      try await reader.untilAppeared("a")
      guard case .failure(.unreachable(let why)) = await answer(supervisor, .transportInfo) else { Issue.record(); return }
      #expect(why.contains("0.2 seconds"))
    }
  }

  @Test(arguments: [("garbage:", "a frame of"), ("huge:", "a frame of 4294967295 bytes")])
  func aWorkerThatSendsNonsenseIsEnded(_ name: String, _ why: String) async throws {
    try await supervising([name]) { _, _, reader in
      let detail = await reader.untilDown()
      #expect(detail.contains(why), "\(detail)")
    }
  }

  @Test func aWorkerThatReadsNothingIsStuckAndEnded() async throws {
    try await supervising(["deaf:"], pace: { $0.command = .milliseconds(300) }) { supervisor, _, reader in
      try await reader.untilAppeared("a")
      let metadata = String(repeating: "x", count: 100_000)
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<40 { group.addTask { _ = await answer(supervisor, .play(uri: "u", metadata: metadata)) } }
      }
      #expect(await reader.untilDown() == "it took no commands")
    }
  }

  @Test func onlyWhatIsAWorkersBusinessIsPassedOn() async throws {
    try await supervising(["liar:"]) { _, _, reader in
      try await reader.until { if case .refused = $0 { true } else { false } }
      #expect(reader.all.last == .refused(interface: "liar:", what: "w", why: "y"))
      #expect(reader.count { if case .transport = $0 { true } else { false } } == 0 && reader.vanished == 0)
    }
  }

  @Test func moreDevicesThanThereIsRoomForAreLeftOut() async throws {
    try await supervising(["crowd:"]) { supervisor, _, reader in
      try await reader.untilAppeared("254")
      // What follows an answer would have come before it.
      #expect(await answer(supervisor, .transportInfo) == .success(.transport(.playing)))
      #expect(await answer(supervisor, .transportInfo, on: "399") == .failure(.unknownDevice))
      #expect(reader.count { if case .appeared = $0 { true } else { false } } == KnownDevices.most)
    }
  }

  @Test func twoInterfacesHaveAWorkerEachAndOneTroublesNotTheOther() async throws {
    try await supervising(["frail:/", "stillborn:"]) { supervisor, _, reader in
      try await reader.untilAppeared("frail")
      for _ in 0..<2 { _ = await reader.untilDown() }
      #expect(await answer(supervisor, .transportInfo, on: "frail") == .success(.transport(.playing)))
    }
  }

  // MARK: Interfaces

  @Test func theDevicesOfAnInterfaceThatIsGoneVanishAfterAWhile() async throws {
    try await supervising(["good:"], pace: {
      $0.grace = .milliseconds(300)
      $0.lookEvery = .milliseconds(50)
    }) { supervisor, machine, reader in
      try await reader.untilAppeared("a")
      machine.set("good:", nil)
      #expect(await reader.untilDown() == "the interface is gone")
      #expect(isBusy(await answer(supervisor, .transportInfo)))
      try await reader.until { $0 == .vanished(UDN("a"), .probeFailed) }
      #expect(await answer(supervisor, .transportInfo) == .failure(.unknownDevice))
    }
  }

  @Test func anInterfaceThatChangesItsAddressGetsANewWorkerAndKeepsItsDevices() async throws {
    try await supervising(["good:"], pace: { $0.lookEvery = .milliseconds(50) }) { _, machine, reader in
      try await reader.untilAppeared("a")
      machine.set("good:", "10.0.0.2")
      #expect(await reader.untilDown() == "the interface has another address")
      try await reader.untilAppeared("a")
      #expect(reader.vanished == 0)
    }
  }

  @Test func anInterfaceThatComesGetsAWorker() async throws {
    try await supervising([], pace: { $0.lookEvery = .milliseconds(50) }) { _, machine, reader in
      machine.set("good:", "10.0.0.1")
      try await reader.untilAppeared("a")
    }
  }

  // MARK: The end

  @Test func afterTheEndEveryCommandIsAnsweredAndNoWorkerIsLeft() async throws {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let supervisor = UPnPSupervisor(executable: probe, interfaces: [], logger: logger, present: { Machine(["good:"]).all })
    let running = Task { await supervisor.run() }
    let reader = Reader(supervisor.events)
    try await reader.untilAppeared("a")
    running.cancel()
    await running.value
    #expect(isBusy(await answer(supervisor, .transportInfo)))
    await #expect(throws: CancellationError.self) { try await reader.until { _ in false } }
  }

  @Test func whenNobodyTakesTheEventsTheOldestAreDroppedAndCounted() async throws {
    try await supervising(["crowd:", "crowd:2", "crowd:3", "crowd:4", "crowd:5"]) { supervisor, _, _ in
      while supervisor.droppedEvents == 0 { await Task.yield() }
      #expect(supervisor.droppedEvents > 0)
    }
  }
}
