import Logging
import Synchronization

/// What reaches the log, for all loggers at once: it may change while they are in use.
final class LogThreshold: Sendable {
  private let level: Mutex<Logger.Level>
  init(_ level: Logger.Level) { self.level = Mutex(level) }

  var now: Logger.Level {
    get { level.withLock { $0 } }
    set { level.withLock { $0 = newValue } }
  }
}

/// Writes to standard error what is at the threshold or graver.
struct LeveledLog: LogHandler {
  private var inner: StreamLogHandler
  private let threshold: LogThreshold

  init(label: String, threshold: LogThreshold) {
    inner = StreamLogHandler.standardError(label: label)
    inner.logLevel = .trace
    self.threshold = threshold
  }

  var logLevel: Logger.Level {
    get { threshold.now }
    set {}  // it is one for all
  }
  var metadata: Logger.Metadata {
    get { inner.metadata }
    set { inner.metadata = newValue }
  }
  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { inner[metadataKey: key] }
    set { inner[metadataKey: key] = newValue }
  }
  func log(event: LogEvent) { inner.log(event: event) }
}
