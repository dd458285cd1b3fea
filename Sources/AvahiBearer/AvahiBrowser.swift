package import Logging

/// Sees which `_cpns._tcp` services are on our networks, by the machine's mDNS responder.
package struct AvahiBrowser: Sendable {
  private let upkeep: AvahiUpkeep

  package init(logger: Logger, timer: any Clock<Duration> = ContinuousClock()) {
    upkeep = AvahiUpkeep(what: "browse", logger: logger, timer: timer)
  }

  /// Browses until cancelled, and gives `seen` all services that are there, at most 64, each time that they change.
  ///
  /// Whole sets, and not one by one, so that a reader that missed some is right again with the next. While the responder is
  /// away nothing is told: what was seen last is still the best that one knows.
  package func browse(seen: @Sendable ([DiscoveredService]) -> Void) async {
    await upkeep.run { tell in
      Browsing(tell: tell)
    } heard: { news in
      if case .saw(let services) = news { seen(services) }
    }
  }
}
