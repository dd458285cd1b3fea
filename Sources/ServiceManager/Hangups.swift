import Dispatch
import Glibc

/// SIGHUP: the wish that the configuration be read again.
package enum Hangups {
  /// Runs `body` for each, one after the other; more that come meanwhile are one. Until cancelled.
  package static func each(_ body: () async -> Void) async {
    let (signals, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    signal(SIGHUP, SIG_IGN)
    // A dispatch source sees the signal although its action is to ignore it.
    let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
    source.setEventHandler { continuation.yield() }
    source.resume()
    for await _ in signals { await body() }
    source.cancel()
  }
}
