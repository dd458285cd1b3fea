import Dispatch
import GatewayCore
package import Logging
package import MediaProtocol
import Synchronization

/// The UPnP/DLNA devices of all LANs: one worker process for each interface, watched and started again.
package final class UPnPSupervisor: MediaDevices {
  /// Events that the gateway has not taken yet; a burst of 256 devices with 2 each fits. Beyond it the oldest are dropped and counted.
  package static let mostEvents = 1024

  package let events: AsyncStream<MediaDeviceEvent>
  private let continuation: AsyncStream<MediaDeviceEvent>.Continuation
  private let mailbox = Mailbox()
  private let dropped = Mutex(0)
  private let surroundings: SupervisorLoop.Surroundings
  private let logger: Logger
  /// One thread of its own, for the whole of ``run()``: it waits in poll(2), and the kernel ties the workers' lives to it.
  private let lane = DispatchQueue(label: "upnp-supervisor")

  /// - Parameters:
  ///   - executable: of the workers; it is started as `pngw-upnp IFACE`.
  ///   - interfaces: names; empty: all that are up and can have a LAN behind them.
  package convenience init(executable: String = "/proc/self/exe", interfaces: [String], logger: Logger) {
    self.init(executable: executable, interfaces: interfaces, logger: logger, present: Interfaces.all)
  }

  /// - Parameter present: the machine's interfaces now.
  package init(
    executable: String, interfaces: [String], pace: SupervisorPace = SupervisorPace(), logger: Logger,
    present: @escaping @Sendable () -> [InterfaceFacts]
  ) {
    surroundings = SupervisorLoop.Surroundings(executable: executable, wanted: interfaces, pace: pace, interfaces: present)
    self.logger = logger
    (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.mostEvents))
  }

  /// Events dropped so far because nobody took them.
  package var droppedEvents: Int { dropped.withLock { $0 } }

  /// Runs the workers until cancelled. Once in the life of a supervisor.
  package func run() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
        lane.async {
          SupervisorLoop(self.surroundings, mailbox: self.mailbox, logger: self.logger) { self.tell($0) }.run()
          self.continuation.finish()
          done.resume()
        }
      }
    } onCancel: {
      mailbox.stop()
    }
  }

  package func perform(_ command: MediaCommand, on device: UDN) async throws(MediaError) -> MediaReply {
    let result = await withCheckedContinuation { mailbox.post(Mailbox.Order(command: command, device: device, answer: $0)) }
    return try result.get()
  }

  private func tell(_ event: MediaDeviceEvent) {
    guard case .dropped = continuation.yield(event) else { return }
    let count = dropped.withLock { count in
      count += 1
      return count
    }
    // The first, and then every thousandth.
    if count % 1000 == 1 { logger.error("upnp events dropped: nobody takes them", metadata: ["count": "\(count)"]) }
  }
}
