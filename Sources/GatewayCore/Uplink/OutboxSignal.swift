/// Wakes whoever empties the outbox. Any number of wakes before it looks are one.
package struct OutboxSignal: Sendable {
  private let broadcast = Broadcast<Void>(capacity: 1)

  package init() {}

  package func wake() { broadcast.send(()) }
  package func wakes() -> AsyncStream<Void> { broadcast.subscribe() }
}
