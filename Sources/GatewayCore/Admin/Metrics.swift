package import AdminProtocol
import CPNSModel
import Diagnosis
import MediaProtocol

/// What `GET /v1/metrics` tells. Names and labels are fixed: nothing of a peer is in them.
extension Administration {
  package func metrics() async throws(AdminFailure) -> String {
    let outbox: OutboxDepth
    do { outbox = try await gateway.ports.store.outboxDepth() } catch { throw AdminFailure(error) }
    let families = [build, started] + uplinkFamilies + outboxFamilies(outbox) + (await deviceFamilies()) + (await deliveryFamilies()) + machineFamilies
    return OpenMetrics.text(families + warningFamilies)
  }

  private var now: Timestamp { gateway.ports.clock.now() }
  private var told: Tally<GatewayEvent.Kind> { gateway.journal.told }

  private var build: OpenMetrics.Family {
    .init("pngw_build", .info, "What runs.", [.init(1, .init("version", Version.text), .init("api", "\(AdminAPI.version)"))])
  }
  private var started: OpenMetrics.Family {
    .init("pngw_start_time_seconds", .gauge, unit: "seconds", "When the gateway started, since 1970.", Double(gateway.journal.began.milliseconds) / 1000)
  }

  private var uplinkFamilies: [OpenMetrics.Family] {
    let (state, since) = gateway.uplink.stateAndSince
    let word: StatusReply.Uplink.State =
      switch state {
      case .notEnrolled: .notEnrolled
      case .connecting: .connecting
      case .connected: .connected
      case .waiting: .waiting
      }
    let states: [StatusReply.Uplink.State] = [.notEnrolled, .connecting, .connected, .waiting]
    return [
      .init("pngw_uplink_state", .gauge, "1 for the state that the uplink is in.", states.map { .init($0 == word ? 1 : 0, .init("state", $0.rawValue)) }),
      .init("pngw_uplink_since_seconds", .gauge, unit: "seconds", "Since when it is up, down or not enrolled, since 1970.", Double(since.milliseconds) / 1000),
      .init("pngw_uplink_connects", .counter, "How often the uplink came up.", Double(told[.uplinkConnected])),
      .init("pngw_uplink_losses", .counter, "How often the uplink was lost.", Double(told[.uplinkLost])),
    ]
  }

  private func outboxFamilies(_ outbox: OutboxDepth) -> [OpenMetrics.Family] {
    let age = outbox.oldest.map { max(0, Double(now.milliseconds) - Double($0.milliseconds)) / 1000 } ?? 0
    let raised = gateway.health.raised
    return [
      .init("pngw_outbox_messages", .gauge, "Messages that wait for the server.", Double(outbox.messages)),
      .init("pngw_outbox_size_bytes", .gauge, unit: "bytes", "What they hold.", Double(outbox.bytes)),
      .init("pngw_outbox_oldest_age_seconds", .gauge, unit: "seconds", "How long the oldest of them waits.", age),
      .init("pngw_drops", .counter, "What was given up, by reason.", [
        .init(Double(raised[.outboxMessageRefused]), .init("reason", "outbox-refused")),
        .init(Double(raised[.devicesFull]), .init("reason", "devices-full")),
        .init(Double(told[.refused]), .init("reason", "lan-refused")),
      ]),
    ]
  }

  private func deviceFamilies() async -> [OpenMetrics.Family] {
    let entries = await gateway.inventory.all
    let workers = await gateway.proxy?.workerStates ?? [:]
    let transports = await gateway.proxy?.transports ?? [:]
    let availabilities: [Availability] = [.online, .busy, .offline]
    let states: [TransportState] = [.stopped, .playing, .transitioning, .paused, .noMedia, .other]
    return [
      .init("pngw_devices", .gauge, "Devices of the inventory.", availabilities.map { one in
        .init(Double(entries.count { $0.availability == one }), .init("availability", one.rawValue))
      }),
      .init("pngw_links", .gauge, "PNEs with a link now.", Double(await gateway.elements.linked)),
      .init("pngw_renderers", .gauge, "Renderers that said so last.", states.map { one in
        .init(Double(transports.values.count { $0 == one }), .init("state", one.rawValue.lowercased()))
      }),
      .init("pngw_presence_changes", .counter, "How often a device came or went.", [
        .init(Double(told[.online]), .init("to", "online")), .init(Double(told[.offline]), .init("to", "offline")),
      ]),
      .init("pngw_paired", .counter, "PNEs that paired.", Double(told[.paired])),
      .init("pngw_upnp_workers", .gauge, "Interfaces by whether their worker is up.", [
        .init(Double(workers.values.count { $0 }), .init("state", "up")), .init(Double(workers.values.count { !$0 }), .init("state", "down")),
      ]),
      .init("pngw_upnp_worker_ends", .counter, "How often a worker ended.", Double(told[.workerDown])),
    ]
  }

  private func deliveryFamilies() async -> [OpenMetrics.Family] {
    let ended = gateway.journal.ended
    return [
      .init("pngw_deliveries_live", .gauge, "Deliveries that have not ended.", Double(await gateway.deliveries.allLive.count)),
      .init("pngw_deliveries", .counter, "Deliveries that ended.", [
        .init(Double(ended[.delivered]), .init("outcome", "delivered")), .init(Double(ended[.failed]), .init("outcome", "failed")),
      ]),
    ]
  }

  private var machineFamilies: [OpenMetrics.Family] {
    let machine = gateway.ports.machine
    let days = machine.certificates().map { certificate in
      OpenMetrics.Sample(Double(CertificateRule.daysLeft(certificate.ends, now: now)), .init("certificate", certificate.use.rawValue))
    }
    func bytes(_ name: OpenMetrics.StaticText, _ kind: OpenMetrics.Kind, _ help: OpenMetrics.StaticText, _ value: UInt64?) -> OpenMetrics.Family {
      .init(name, kind, unit: "bytes", help, value.map { [.init(Double($0))] } ?? [])
    }
    return [
      .init("pngw_certificate_left_days", .gauge, unit: "days", "Whole days until a certificate expires.", days),
      .init("pngw_clock_plausible", .gauge, "1 when the clock can be right.", gateway.ports.time?.problem == nil && ClockRule.isPlausible(now) ? 1 : 0),
      bytes("pngw_storage_written_bytes", .counter, "Bytes that pngwd has sent to disks since it started (write_bytes of /proc/self/io).", machine.bytesWritten),
      bytes("pngw_storage_free_bytes", .gauge, "Room on the disk of the state directory.", machine.disk?.free),
      bytes("pngw_memory_resident_bytes", .gauge, "Memory in use by pngwd, without its workers.", machine.residentBytes),
    ]
  }

  private var warningFamilies: [OpenMetrics.Family] {
    let standing = gateway.health.all
    return [
      .init("pngw_warning", .gauge, "How many warnings with this code hold; docs/operations.md explains the codes.", ProblemCode.allCases.map { code in
        .init(Double(standing.count { $0.code.rawValue == code.rawValue }), .init("code", code.rawValue), .init("severity", code.facts.severity.rawValue))
      })
    ]
  }
}

extension Administration {
  /// A port beside the main ones is somebody else's.
  package func raisePortTaken(_ place: String, _ why: String) {
    gateway.health.raise(HealthWarning(.portTaken, subject: place, cause: why, nextStep: "end the program that has \(place), or change the port in pngw.toml"))
  }
}
