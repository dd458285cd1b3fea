import Dispatch

/// Runs an actor's jobs one after the other on a thread that may block: a disk takes its time, and the cooperative pool has
/// only as many threads as there are processors.
final class Lane: SerialExecutor {
  private let queue: DispatchQueue

  init(_ label: String) { queue = DispatchQueue(label: label) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}
