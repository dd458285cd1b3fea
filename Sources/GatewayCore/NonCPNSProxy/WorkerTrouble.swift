import MediaProtocol

/// Whether a worker that ended is bad luck or keeps ending.
struct WorkerTrouble: Sendable {
  /// So many ends within ``window`` are no bad luck: backoff lets a worker that never comes up end four times in the first half minute.
  static let most = 3
  static let window = Duration.seconds(300)

  private var ends: [Stopwatch] = []

  /// - Returns: the warning that holds now.
  mutating func ended(_ interface: String, _ detail: String, timer: any Clock<Duration>) -> HealthWarning {
    if [MediaDeviceEvent.interfaceIsGone, MediaDeviceEvent.interfaceHasAnotherAddress].contains(detail) {
      // It did nothing wrong: a cable that is pulled often is no loop.
      return HealthWarning(
        .workerDown, subject: interface, cause: "nobody listens for UPnP devices on \(interface): \(detail)",
        nextStep: "see to the cable and the address of \(interface); it is listened on again by itself")
    }
    ends = ends.filter { $0.elapsed < Self.window }.suffix(Self.most - 1) + [Stopwatch(on: timer)]
    guard ends.count >= Self.most else {
      return HealthWarning(.workerDown, subject: interface, cause: "the UPnP worker on \(interface) ended: \(detail)")
    }
    return HealthWarning(
      .workerLoop, subject: interface, cause: "the UPnP worker on \(interface) ended \(Self.most) times within \(Self.window.components.seconds / 60) minutes: \(detail)",
      nextStep: "run pngwctl doctor: it says who has UDP port 1900 and what is wrong with \(interface)")
  }

  /// Up again. One that stays up for a minute is well.
  var isLoop: Bool { ends.count >= Self.most && (ends.last.map { $0.elapsed < .seconds(60) } ?? false) }
}
