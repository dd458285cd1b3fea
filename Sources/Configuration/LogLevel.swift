/// How grave something must be to reach the log. The names are swift-log's.
package enum LogLevel: String, CaseIterable, Hashable, Sendable {
  case trace, debug, info, notice, warning, error, critical
}
