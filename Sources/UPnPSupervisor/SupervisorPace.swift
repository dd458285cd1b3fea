/// How patient the supervisor is.
package struct SupervisorPace: Sendable {
  /// A command, from when it is given to a worker to its answer.
  package var command = Duration.seconds(5)
  /// From a worker's start until it is ready, which takes 20 ms.
  package var start = Duration.seconds(10)
  package var pingEvery = Duration.seconds(10)
  package var pingAnswer = Duration.seconds(5)
  /// A new worker searches four times in its first 4 s, and a device answers within a second: one that is not found again
  /// by then is gone.
  package var grace = Duration.seconds(30)

  /// The routing socket tells of changes of interfaces; this is for those that it lost.
  package var lookEvery = Duration.seconds(30)

  package init() {}
}
