package import Logging

/// Tells the LAN of a service by the machine's mDNS responder, avahi-daemon.
package struct AvahiAnnouncer: Sendable {
  private let upkeep: AvahiUpkeep
  private let logger: Logger

  package init(logger: Logger, timer: any Clock<Duration> = ContinuousClock()) {
    self.upkeep = AvahiUpkeep(what: "announcement", logger: logger, timer: timer)
    self.logger = logger
  }

  /// Publishes `_cpns._tcp` on all interfaces until cancelled.
  ///
  /// Takes another name (`pngw #2`) when the name is taken, and begins again whenever the responder, or the bus to it, went and came.
  /// - Parameter port: 1 to 65535.
  package func announce(name: String, port: Int, text: [String: String]) async {
    guard let port = UInt16(exactly: port), port > 0 else { return logger.error("a port that can't be announced", metadata: ["port": "\(port)"]) }
    let strings = TextRecord.strings(text)
    let name = InstanceName.fitting(name)
    await upkeep.run { tell in
      Publication(name: name, port: port, text: strings, tell: tell)
    } heard: { news in
      if case .published(let name) = news { logger.info("service announced", metadata: ["name": "\(name)", "port": "\(port)"]) }
    }
  }
}
