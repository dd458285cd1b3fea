import CPNSModel
import CPNSProcedures
import CPNSSession

/// What an administrator does with PNEs: lets one in, and takes one out.
extension ElementService {
  /// Shortest pause between two looks at the window.
  private static let shortestPause = Duration.milliseconds(100)

  /// Opens a pairing window in place of the one that may be open.
  nonisolated func openWindow(seconds: Int64) -> (code: PairingCode, expires: Timestamp) {
    let opened = keys.openWindow(seconds: seconds)
    journal.tell(.pairingOpened, "pairing is open for \(seconds) s", ["expires": opened.expires.iso8601])
    windowTurns.send(())
    return opened
  }

  nonisolated func cancelWindow() {
    keys.closeWindow()
    windowTurns.send(())
  }

  /// PNEs with a link now.
  package var linked: Int { links.count }

  /// Removes a PNE for good: its entry and its key go, its link ends, and what was on its way to it has failed.
  func remove(_ element: EntityID) async throws(StoreError) {
    if await inventory.entry(element) == nil {
      try await store.commit([.removePairing(element)])
    } else {
      try await inventory.remove(element, with: [.removePairing(element)])
    }
    keys.forget(element)
    let old = links.removeValue(forKey: element)
    await old?.session.close()
    await deliveries?.abandon(consumer: element)
  }

  // MARK: Telling how the window closed

  /// The whole life: until cancelled.
  func tellClosings() async {
    while !Task.isCancelled {
      let turns = windowTurns.subscribe()
      let left = keys.timeLeft
      if let why = keys.takeClosing() { tell(why) }
      await pause(left.map { max($0, Self.shortestPause) }, or: turns)
    }
  }

  private func tell(_ why: PairingWindow.Closing) {
    switch why {
    case .paired: break  // told when the PNE proved its key
    case .expired: journal.tell(.pairingClosed, "pairing was closed: nobody came in time", ["why": "expired"])
    case .cancelled: journal.tell(.pairingClosed, "pairing was cancelled", ["why": "cancelled"])
    case .tooManyFailures: journal.tell(.pairingClosed, "pairing was closed: too many wrong codes", ["why": "too-many-failures"])
    }
  }

  func pause(_ wait: Duration?, or turns: AsyncStream<Void>) async {
    await withTaskGroup(of: Void.self) { group in
      if let wait { group.addTask { [timer] in try? await timer.sleep(for: wait) } }  // cancelled: the loop looks itself
      group.addTask { for await _ in turns { return } }
      await group.next()
      group.cancelAll()
    }
  }
}
