import Dispatch
import Glibc

/// The signals that ask a process to end: SIGTERM of the service manager, SIGINT of a terminal.
package enum Termination {
  /// Waits for the first of them, or until cancelled. Afterwards another one ends the process at once, as it does by default.
  ///
  /// SIGPIPE is ignored from here on: a peer that goes shows as an error of the write.
  package static func wait() async {
    let (signals, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))
    signal(SIGPIPE, SIG_IGN)
    let sources = [SIGTERM, SIGINT].map { number in
      // A dispatch source sees the signal although its action is to ignore it.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { continuation.yield() }
      source.resume()
      return source
    }
    for await _ in signals { break }
    for source in sources { source.cancel() }
    for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
  }
}
