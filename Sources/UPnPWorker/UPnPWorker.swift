import Glibc
import MediaProtocol

/// The process that speaks UPnP on one interface (`pngw-upnp IFACE`).
package enum UPnPWorker {
  /// Serves until the supervisor closes the channel.
  /// - Parameter descriptor: the channel, a stream socket: ``WorkerFrame``s both ways.
  /// - Returns: the exit status.
  package static func run(interface: String, descriptor: Int32) -> Int32 {
    Confinement.apply(keeping: descriptor)
    guard let (address, prefix) = localAddress(of: interface) else {
      return fail(interface, descriptor, "\(interface) has no IPv4 address")
    }
    let loop = EventLoop()
    let place = Finder.Place(interface: interface, local: address, policy: LANPolicy(local: address, prefix: prefix))
    let worker = Worker(loop: loop, place: place)
    do { try worker.start(channel: descriptor) } catch {
      worker.report(failure: "\(error)", to: descriptor)
      return ExitCode.noStart
    }
    return withExtendedLifetime(worker) { loop.run() }
  }

  private static func fail(_ interface: String, _ descriptor: Int32, _ why: String) -> Int32 {
    let channel = SupervisorChannel(loop: EventLoop(), descriptor: descriptor) { _ in }
    withExtendedLifetime(channel) { channel.send(.event(.worker(interface: interface, up: false, detail: why))) }
    return ExitCode.noStart
  }
}
