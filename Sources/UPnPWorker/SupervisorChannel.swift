import Glibc
import MediaProtocol

/// The worker's end of the channel to its supervisor.
final class SupervisorChannel {
  /// Bytes that wait for the supervisor to read. One that reads nothing for so long is broken: the worker ends, and is started again.
  private static let mostUnsent = 4 << 20

  private let loop: EventLoop
  private let descriptor: Int32
  private let obey: (WorkerCommand) -> Void
  private var decoder = WorkerFrameDecoder<WorkerCommand>()
  private var unsent: [UInt8] = []
  private var sender: EventLoop.TimerID?

  init(loop: EventLoop, descriptor: Int32, obey: @escaping (WorkerCommand) -> Void) {
    self.loop = loop
    self.descriptor = descriptor
    self.obey = obey
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    loop.whenReadable(descriptor) { [weak self] in self?.read() }
  }

  func send(_ message: WorkerMessage) {
    // A message of ours that does not fit a frame would be our own mistake: left out rather than sent cut.
    guard let frame = try? WorkerFrame.encode(message) else { return }
    unsent += frame
    flush()
    if unsent.count > Self.mostUnsent { loop.stop(ExitCode.stuck) }
  }

  private func flush() {
    while !unsent.isEmpty {
      guard let sent = Socket.send(descriptor, unsent[...]) else { return loop.stop(ExitCode.orphaned) }
      unsent.removeFirst(sent)
      if sent == 0 { break }
    }
    guard !unsent.isEmpty, sender == nil else { return }
    // The loop watches a descriptor for one thing only; this waits for commands at the same time.
    sender = loop.after(.milliseconds(10)) { [weak self] in
      self?.sender = nil
      self?.flush()
    }
  }

  private func read() {
    switch Socket.receive(descriptor, atMost: 16 << 10) {
    case .bytes(let bytes, _): decoder.push(bytes)
    case .wouldBlock: return
    case .ended, .failed: return loop.stop(ExitCode.orphaned)
    }
    do throws(WorkerFrameError) { while let command = try decoder.next() { obey(command) } } catch { loop.stop(ExitCode.confused) }
  }
}

/// How a worker ends.
enum ExitCode {
  /// The supervisor is gone: the orderly end.
  static let orphaned: Int32 = 0
  static let noStart: Int32 = 1
  static let stuck: Int32 = 2
  static let confused: Int32 = 3
}
