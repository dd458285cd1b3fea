import Testing

/// Waits for a condition that other tasks bring about. No time passes by itself: it only lets them run.
func eventually(_ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async -> Bool) async {
  let limit = ContinuousClock.now + .seconds(10)
  while ContinuousClock.now < limit, !Task.isCancelled {
    if await condition() { return }
    await Task.yield()
  }
  Issue.record("never: \(what)", sourceLocation: sourceLocation)
}

/// Lets everybody run who can, to see that nothing more happens.
func settle() async { for _ in 0..<500 { await Task.yield() } }
