import MediaProtocol

/// One running worker: its channel, and the commands that it has not answered.
struct WorkerProcess {
  /// Commands that one worker may owe answers to.
  static let mostPending = 64
  /// Bytes that a worker lets lie before it counts as stuck.
  static let mostUnsent = 1 << 20
  private static let piece = 64 << 10

  typealias Instant = ContinuousClock.Instant
  struct Pending {
    var due: Instant
    var answer: Mailbox.Answer
  }
  enum End: Equatable { case closed, confused(String), silent, stuck }

  let child: Spawn.Child
  private let pace: SupervisorPace
  private(set) var readySince: Instant?
  /// What it said before it ended.
  var lastWords: String?
  private var decoder = WorkerFrameDecoder<WorkerMessage>()
  private var unsent: [UInt8] = []
  private var pending: [UInt64: Pending] = [:]
  private var lastID: UInt64 = 0
  private var ping: (id: UInt64, due: Instant)?
  private var nextPing: Instant

  init(_ child: Spawn.Child, pace: SupervisorPace, now: Instant) {
    self.child = child
    self.pace = pace
    nextPing = now + pace.start
  }

  var hasUnsent: Bool { !unsent.isEmpty }

  mutating func perform(_ order: Mailbox.Order, now: Instant) {
    guard readySince != nil else { return order.answer.resume(returning: .failure(.busy("the UPnP worker is starting"))) }
    guard pending.count < Self.mostPending else { return order.answer.resume(returning: .failure(.busy("\(Self.mostPending) commands are under way"))) }
    do throws(WorkerFrameError) {
      let id = try send(.perform(order.command, on: order.device))
      pending[id] = Pending(due: now + pace.command, answer: order.answer)
    } catch { order.answer.resume(returning: .failure(.malformed("the command is \(error)"))) }
  }

  private mutating func send(_ order: WorkerCommand.Order) throws(WorkerFrameError) -> UInt64 {
    let frame = try WorkerFrame.encode(WorkerCommand(id: lastID + 1, order: order))
    lastID += 1
    unsent += frame
    return lastID
  }

  mutating func flush() -> End? {
    while !unsent.isEmpty {
      guard let sent = Channel.send(child.channel, unsent) else { return .closed }
      unsent.removeFirst(sent)
      if sent == 0 { break }
    }
    return unsent.count > Self.mostUnsent ? .stuck : nil
  }

  /// - Returns: what it said that is not an answer.
  mutating func read() -> (messages: [WorkerMessage], end: End?) {
    switch Channel.receive(child.channel, atMost: Self.piece) {
    case .bytes(let bytes): decoder.push(bytes)
    case .nothing: return ([], nil)
    case .ended: return ([], .closed)
    }
    var messages: [WorkerMessage] = []
    do throws(WorkerFrameError) {
      while let message = try decoder.next() {
        switch message {
        case .reply(let id, let reply): answered(id, .success(reply))
        case .failed(let id, let error): answered(id, .failure(error))
        case .ready, .event: messages.append(message)
        }
      }
    } catch { return (messages, .confused("\(error)")) }
    return (messages, nil)
  }

  mutating func becameReady(_ now: Instant) {
    readySince = now
    nextPing = now + pace.pingEvery
  }

  private mutating func answered(_ id: UInt64, _ result: Result<MediaReply, MediaError>) {
    if ping?.id == id { ping = nil }
    // One that comes after its deadline is nobody's any more.
    pending.removeValue(forKey: id)?.answer.resume(returning: result)
  }

  mutating func timePassed(_ now: Instant) -> End? {
    for (id, command) in pending where command.due <= now {
      pending[id] = nil
      command.answer.resume(returning: .failure(.unreachable("no answer within \(pace.command)")))
    }
    if let ping, ping.due <= now { return .silent }
    guard nextPing <= now else { return nil }
    guard readySince != nil else { return .silent }
    nextPing = now + pace.pingEvery
    // A ping fits its frame.
    ping = (try? send(.ping)).map { ($0, now + pace.pingAnswer) }
    return flush()
  }

  var deadline: Instant { (pending.values.map(\.due) + [nextPing, ping?.due ?? nextPing]).min() ?? nextPing }

  /// It is gone, or shall be.
  mutating func fail() {
    for command in pending.values { command.answer.resume(returning: .failure(.busy("the UPnP worker ended; it is started again"))) }
    pending = [:]
  }
}
