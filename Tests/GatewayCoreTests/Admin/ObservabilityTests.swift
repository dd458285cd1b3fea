import AdminProtocol
import CPNSModel
import CPNSSession
import Diagnosis
import Logging
import MediaProtocol
import Synchronization
import Testing

@testable import GatewayCore

/// A machine that the test makes.
final class FakeMachine: Machine {
  private let state = Mutex((disk: DiskSpace(free: 1 << 30, total: 1 << 31), certificates: [CertificateLifetime]()))
  var disk: DiskSpace? { state.withLock { $0.disk } }
  var bytesWritten: UInt64? { 4096 }
  var residentBytes: UInt64? { nil }
  func certificates() -> [CertificateLifetime] { state.withLock { $0.certificates } }
  func set(free: UInt64) { state.withLock { $0.disk.free = free } }
  func set(_ certificates: [CertificateLifetime]) { state.withLock { $0.certificates = certificates } }
}

@Suite struct HealthTests {
  let wall = ManualWallClock()

  @Test(arguments: HealthWarning.Code.allCases) func everyCodeIsInTheTable(_ code: HealthWarning.Code) {
    #expect(ProblemCode(rawValue: code.rawValue) != nil)
    #expect(!HealthWarning(code, cause: "c").affects.isEmpty)
  }

  @Test func aWarningIsToldWhenItBeginsAndWhenItEndsAndKeepsItsTime() {
    let changes = Mutex<[HealthBoard.Change]>([])
    let board = HealthBoard(clock: wall.clock) { change in changes.withLock { $0.append(change) } }
    let began = wall.clock.now()
    board.raise(HealthWarning(.uplinkDown, cause: "no route"))
    wall.advance(seconds: 60)
    board.raise(HealthWarning(.uplinkDown, cause: "still no route"))
    #expect(board.list.map(\.since) == [began] && board.all.map(\.cause) == ["still no route"] && board.raised[.uplinkDown] == 2)
    board.clear(.uplinkDown)
    board.clear(.uplinkDown)
    #expect(changes.withLock { $0 } == [.raised(HealthWarning(.uplinkDown, cause: "no route")), .cleared(HealthWarning(.uplinkDown, cause: "still no route"))])
  }

  @Test func theWorstComesFirst() {
    let board = HealthBoard()
    board.raise(HealthWarning(.notEnrolled, cause: ""))
    board.raise(HealthWarning(.diskFull, cause: ""))
    board.raise(HealthWarning(.uplinkDown, cause: ""))
    #expect(board.all.map(\.code) == [.diskFull, .uplinkDown, .notEnrolled])
  }

  @Test func subjectsOfOneCodeAreBounded() {
    let board = HealthBoard()
    for number in 0..<1000 { board.raise(HealthWarning(.workerDown, subject: "eth\(number)", cause: "")) }
    #expect(board.all.count == 64)
    board.raise(HealthWarning(.diskFull, cause: ""))
    #expect(board.all.first?.code == .diskFull)
  }

  @Test func whatTellsNobodyIsLookedAt() async throws {
    let bench = Bench()
    let gateway = try await bench.prepare()
    let machine = FakeMachine()
    let watch = HealthWatch(
      machine: machine, store: bench.store, inventory: gateway.inventory, health: gateway.health, clock: bench.wall.clock, settle: {})
    let now = bench.wall.clock.now()
    machine.set(free: 1 << 20)
    machine.set([CertificateLifetime(use: .gateway, begins: Timestamp(milliseconds: 0), ends: Timestamp(milliseconds: now.milliseconds + 86_400_000))])
    await watch.look()
    #expect(gateway.health.all.map(\.code) == [.diskFull, .certificateExpiring])
    machine.set(free: 32 << 20)
    machine.set([CertificateLifetime(use: .gateway, begins: Timestamp(milliseconds: 0), ends: now)])
    await watch.look()
    #expect(gateway.health.all.map(\.code) == [.certificateExpired, .diskLow])
    machine.set(free: 1 << 30)
    machine.set([])
    await watch.look()
    #expect(gateway.health.all.isEmpty)
    #expect(gateway.journal.told[.warningRaised] == 4 && gateway.journal.told[.warningCleared] == 4)
  }

  @Test func aWorkerThatKeepsEndingIsALoop() {
    let timer = ManualClock()
    var trouble = WorkerTrouble()
    #expect(trouble.ended("eth0", "signal 11", timer: timer).code == .workerDown)
    timer.advance(by: .seconds(301))
    #expect(trouble.ended("eth0", "signal 11", timer: timer).code == .workerDown)
    timer.advance(by: .seconds(10))
    #expect(trouble.ended("eth0", "signal 11", timer: timer).code == .workerDown)
    timer.advance(by: .seconds(10))
    let loop = trouble.ended("eth0", "signal 11", timer: timer)
    #expect(loop.code == .workerLoop && loop.severity == .error && loop.cause.contains("signal 11") && trouble.isLoop)
    timer.advance(by: .seconds(61))
    #expect(!trouble.isLoop)
  }

  @Test func aCableThatIsPulledOftenIsNoLoop() {
    let timer = ManualClock()
    var trouble = WorkerTrouble()
    for _ in 0..<10 { #expect(trouble.ended("eth0", MediaDeviceEvent.interfaceIsGone, timer: timer).code == .workerDown) }
    #expect(trouble.ended("eth0", "signal 11", timer: timer).code == .workerDown && !trouble.isLoop)
  }

  @Test func twoGatewaysWithOneIdentityAreNoticed() {
    let board = HealthBoard()
    let rivalry = Rivalry(health: board, backoffLimit: .seconds(60))
    func thrownOut() { rivalry.ended(closedByServer: true, after: .seconds(5)) }
    thrownOut()
    thrownOut()
    rivalry.ended(closedByServer: false, after: .seconds(5))  // the network, not the server
    thrownOut()
    thrownOut()
    #expect(board.all.isEmpty)
    rivalry.ended(closedByServer: false, after: nil)  // it never stood: says nothing
    thrownOut()
    #expect(board.all.map(\.code) == [.identityInUse])
    rivalry.ended(closedByServer: true, after: .seconds(71))
    #expect(board.all.isEmpty)
  }
}

@Suite struct JournalTests {
  @Test func whatIsRememberedIsBoundedAndANoisyDevicePushesNothingOut() {
    let journal = Journal(clock: ManualWallClock().clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    journal.tell(.enrolled, "first")
    for number in 0..<5000 { journal.tell(.refused, "junk \(number)") }
    #expect(journal.past.first?.text == "first" && journal.past.count == 65 && journal.past.last?.text == "junk 4999")
    for number in 0..<5000 { journal.tell(.online, "\(number)") }
    #expect(journal.past.count == Journal.remembered && journal.past.last?.text == "4999" && journal.told[.online] == 5000)
    journal.tell(.deliveryProgress, "not remembered")
    #expect(journal.past.last?.text == "4999")
  }
}

@Suite struct ExplanationTests {
  let phone = EntityID.random()

  @Test func whyAPhoneIsOfflineIsTheStoryOfItsLink() async throws {
    let bench = Bench(paired: [phone])
    try await bench.run { gateway in
      let administration = Administration(gateway: gateway)
      let far = try await bench.registered(phone, "Phone")
      await eventually("it is online") { await gateway.inventory.entry(phone)?.availability == .online }
      bench.wall.advance(seconds: 100)
      await far.close()
      await eventually("it is offline") { await gateway.inventory.entry(phone)?.availability == .offline }
      let reply = try await administration.explain(pne: phone.urn)
      #expect(reply.name == "Phone" && reply.state.contains("offline") && reply.nextStep?.contains("pne runs") == true)
      #expect(reply.because.contains { $0.text == "its link was lost" } && reply.because.contains { $0.text.contains("joined the Personal Network") })
      let times = reply.because.compactMap { $0.at?.timestamp }
      #expect(times == times.sorted(by: >), "the newest first")
    }
  }

  @Test func aDeviceThatWasSwitchedOffSaysSo() async throws {
    var tv = entry(.random(), "TV", kind: .virtualPNE, .offline)
    tv.reason = "byebye"
    tv.attributes = ["interface": "lan0"]
    let story = PresenceStory.of(tv, past: [], began: Timestamp(milliseconds: 5), workers: ["lan0": false])
    let texts = story.because.map(\.text)
    #expect(texts[0].contains("worker on lan0 is down") && texts.contains { $0.contains("said goodbye") } && texts.contains("the gateway started"))
    #expect(story.nextStep?.contains("switched on") == true)
  }

  @Test func aDeliveryThatWaitsIsExplainedByItsConsumer() async throws {
    let waiting = record(order([1, 2, 3], to: phone, from: .random()))
    let later = record(order([4], to: phone, from: .random()))
    var second = later
    second.accepted = Timestamp(milliseconds: 2)
    let bench = Bench(paired: [phone], entries: [entry(phone, "Phone", .offline)], deliveries: [waiting, second])
    try await bench.run { gateway in
      let administration = Administration(gateway: gateway)
      let reply = try await administration.explain(delivery: waiting.order.id.urn)
      #expect(reply.state == "clip.mp4 waits for Phone" && reply.because.contains { $0.text.contains("Phone is offline") })
      let queued = try await administration.explain(delivery: second.order.id.urn)
      #expect(queued.because.contains { $0.text == "1 deliveries to the same device are before it" })
    }
  }

  @Test func aDeliveryThatFailedSaysWhyAndWhatHelps() async throws {
    var failed = record(order([1], to: phone, from: .random()), attempts: 3)
    failed.state = .failed
    failed.ending = DeliveryEnding(
      outcome: DeliveryOutcome(delivery: failed.order.id, state: .failed, reason: "not-playable", detail: "TV takes audio/mpeg", bytes: 0),
      at: Timestamp(milliseconds: 9))
    let story = DeliveryStory.of(failed, consumer: entry(phone, "TV"), past: [])
    #expect(story.because.map(\.text) == [
      "it was begun 3 times", "it failed: not-playable, TV takes audio/mpeg", "it was accepted, to go to TV, from the CPNS Server",
    ])
    #expect(story.nextStep?.contains("a type that TV takes") == true)
  }

  @Test func whatIsNotThereIsNotExplained() async throws {
    let administration = Administration(gateway: try await Bench().prepare())
    await #expect { _ = try await administration.explain(pne: "x") } throws: { ($0 as? AdminFailure)?.code == .badRequest }
    await #expect { _ = try await administration.explain(pne: EntityID.random().urn) } throws: { ($0 as? AdminFailure)?.code == .notFound }
    await #expect { _ = try await administration.explain(delivery: DeliveryID.random().urn) } throws: { ($0 as? AdminFailure)?.code == .notFound }
  }

  @Test func aStoryIsAScreenAndNothingIsToldTwice() {
    var story = Story()
    for number in 0..<100 { story.then(Timestamp(milliseconds: Int64(number / 2)), "event \(number / 2)") }
    #expect(story.because.count == Story.most && story.because[0].text == "event 49" && story.because[1].text == "event 48")
  }
}

@Suite struct MetricsTests {
  /// Reads OpenMetrics as strictly as its specification says, for what we write of it.
  static func families(_ text: String) throws -> [String: [(labels: String, value: Double)]] {
    struct Malformed: Error { let line: Substring }
    var families: [String: [(String, Double)]] = [:]
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.popLast() == "", lines.popLast() == "# EOF" else { throw Malformed(line: "the end") }
    var current = "", kind = ""
    for line in lines {
      let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
      if line.hasPrefix("# ") {
        guard words.count == 4, ["TYPE", "UNIT", "HELP"].contains(words[1]) else { throw Malformed(line: line) }
        if words[1] == "TYPE" {
          guard families[String(words[2])] == nil else { throw Malformed(line: line) }
          (current, kind) = (String(words[2]), String(words[3]))
          families[current] = []
        } else if words[2] != current || words[1] == "UNIT" && !current.hasSuffix("_" + words[3]) {
          throw Malformed(line: line)
        }
        continue
      }
      let suffix = kind == "counter" ? "_total" : kind == "info" ? "_info" : ""
      guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]), line.hasPrefix(current + suffix) else { throw Malformed(line: line) }
      let labels = line[..<space].dropFirst(current.count + suffix.count)
      guard labels.isEmpty || labels.hasPrefix("{") && labels.hasSuffix("}"), kind != "counter" || value >= 0 else { throw Malformed(line: line) }
      guard families[current]?.contains(where: { $0.0 == String(labels) }) == false else { throw Malformed(line: line) }
      families[current]?.append((String(labels), value))
    }
    return families
  }

  @Test func theyAreOpenMetricsAndCountWhatHappens() async throws {
    let phone = EntityID.random()
    let bench = Bench(paired: [phone])
    try await bench.run { gateway in
      let far = try await bench.registered(phone, "evil\"} 1")
      let families = try Self.families(try await Administration(gateway: gateway).metrics())
      func value(_ name: String, _ labels: String = "") -> Double? { families[name]?.first { $0.labels == labels }?.value }
      #expect(value("pngw_links") == 1 && value("pngw_devices", #"{availability="online"}"#) == 1 && value("pngw_presence_changes", #"{to="online"}"#) == 1)
      #expect(value("pngw_build", "{version=\"\(Version.text)\",api=\"1\"}") == 1)
      #expect(families["pngw_uplink_state"]?.map(\.value).reduce(0, +) == 1)
      #expect(families["pngw_warning"]?.count == ProblemCode.allCases.count)
      withExtendedLifetime(far) {}
    }
  }

  /// Bounded: however many devices there are and whatever they are called, there are as many lines.
  @Test func nothingOfAPeerIsInThem() async throws {
    let few = try await Administration(gateway: try await Bench().prepare()).metrics()
    let entries = (0..<200).map { entry(.random(), "Secret Name \($0)") }
    let many = try await Administration(gateway: try await Bench(entries: entries).prepare()).metrics()
    #expect(!many.contains("Secret Name") && many.split(separator: "\n").count == few.split(separator: "\n").count)
  }

  @Test func aDiskThatCanNotBeReadIsToldAsOne() async throws {
    let bench = Bench()
    let administration = Administration(gateway: try await bench.prepare())
    bench.store.failReads()
    await #expect { _ = try await administration.metrics() } throws: { ($0 as? AdminFailure)?.code == .unavailable }
  }
}
