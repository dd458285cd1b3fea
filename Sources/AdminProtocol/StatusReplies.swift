package import CPNSModel

/// `GET /v1/version`
package struct VersionReply: Sendable, Hashable, Codable {
  package var api: Int
  package var software: String
  package var name: String
  package var entityID: EntityID

  private enum CodingKeys: String, CodingKey {
    case api, software, name
    case entityID = "entity_id"
  }

  package init(software: String, name: String, entityID: EntityID) {
    api = AdminAPI.version
    self.software = software
    self.name = name
    self.entityID = entityID
  }
}

/// `GET /v1/status`: how the gateway is, on one page.
package struct StatusReply: Sendable, Hashable, Codable {
  package struct PN: Sendable, Hashable, Codable {
    package var id: PNID
    package var name: String
    /// Counts the changes of the PN Inventory.
    package var revision: UInt64

    private enum CodingKeys: String, CodingKey {
      case name, revision
      case id = "pn_id"
    }

    package init(id: PNID, name: String, revision: UInt64) {
      self.id = id
      self.name = name
      self.revision = revision
    }
  }

  package struct Uplink: Sendable, Hashable, Codable {
    package enum State: String, Sendable, Hashable, Codable {
      case notEnrolled = "not-enrolled"
      case connecting, connected
      /// Lost or never up; the next try comes.
      case waiting
    }
    package var state: State
    /// `HOST:PORT`
    package var server: String?
    package var serverID: EntityID?
    /// Since when it is connected, down, or not enrolled.
    package var since: UTCTime
    /// Why it is down, for people.
    package var detail: String?

    private enum CodingKeys: String, CodingKey {
      case state, server, since, detail
      case serverID = "server_id"
    }

    package init(state: State, server: String?, serverID: EntityID?, since: UTCTime, detail: String?) {
      self.state = state
      self.server = server
      self.serverID = serverID
      self.since = since
      self.detail = detail
    }
  }

  /// Where PNEs connect.
  package struct Elements: Sendable, Hashable, Codable {
    /// nil: not listening yet.
    package var port: Int?
    /// PNEs with a link now.
    package var linked: Int

    package init(port: Int?, linked: Int) {
      self.port = port
      self.linked = linked
    }
  }

  /// A network interface with a UPnP worker.
  package struct Interface: Sendable, Hashable, Codable {
    package var name: String
    package var up: Bool

    package init(name: String, up: Bool) {
      self.name = name
      self.up = up
    }
  }

  package struct Devices: Sendable, Hashable, Codable {
    package var online: Int
    package var busy: Int
    package var offline: Int

    package init(online: Int, busy: Int, offline: Int) {
      self.online = online
      self.busy = busy
      self.offline = offline
    }
  }

  /// Messages that the server has not acknowledged yet.
  package struct Outbox: Sendable, Hashable, Codable {
    package var messages: Int
    package var oldest: UTCTime?
    /// When the disk will be full, if it goes on as it did; nil: it can't be said, or not within a year.
    package var fullInHours: Int?

    private enum CodingKeys: String, CodingKey {
      case messages, oldest
      case fullInHours = "full_in_hours"
    }

    package init(messages: Int, oldest: UTCTime?, fullInHours: Int? = nil) {
      self.messages = messages
      self.oldest = oldest
      self.fullInHours = fullInHours
    }
  }

  package struct Clock: Sendable, Hashable, Codable {
    /// Whether it can be right: not before this software, nor decades after.
    package var plausible: Bool

    package init(plausible: Bool) { self.plausible = plausible }
  }

  package struct Warning: Sendable, Hashable, Codable {
    package var code: String
    /// `notice`, `warning` or `error`.
    package var severity: String
    /// What it is about, when there may be several; empty: the gateway.
    package var subject: String
    package var cause: String
    package var nextStep: String
    /// What does not work for as long as it lasts.
    package var affects: String
    package var since: UTCTime?

    private enum CodingKeys: String, CodingKey {
      case code, severity, subject, cause, affects, since
      case nextStep = "next_step"
    }

    package init(
      code: String, severity: String, subject: String, cause: String, nextStep: String, affects: String = "", since: UTCTime? = nil
    ) {
      self.affects = affects
      self.since = since
      self.code = code
      self.severity = severity
      self.subject = subject
      self.cause = cause
      self.nextStep = nextStep
    }
  }

  package var name: String
  package var software: String
  package var entityID: EntityID
  /// By the gateway's clock.
  package var now: UTCTime
  package var clock: Clock
  package var pn: PN
  package var uplink: Uplink
  package var elements: Elements
  package var interfaces: [Interface]
  package var devices: Devices
  package var outbox: Outbox
  /// Deliveries that have not ended.
  package var liveDeliveries: Int
  package var pairing: PairingReply
  package var warnings: [Warning]

  private enum CodingKeys: String, CodingKey {
    case name, software, now, clock, pn, uplink, elements, interfaces, devices, outbox, pairing, warnings
    case entityID = "entity_id"
    case liveDeliveries = "live_deliveries"
  }

  package init(
    name: String, software: String, entityID: EntityID, now: UTCTime, clock: Clock = Clock(plausible: true), pn: PN, uplink: Uplink, elements: Elements, interfaces: [Interface],
    devices: Devices, outbox: Outbox, liveDeliveries: Int, pairing: PairingReply, warnings: [Warning]
  ) {
    self.name = name
    self.software = software
    self.entityID = entityID
    self.now = now
    self.clock = clock
    self.pn = pn
    self.uplink = uplink
    self.elements = elements
    self.interfaces = interfaces
    self.devices = devices
    self.outbox = outbox
    self.liveDeliveries = liveDeliveries
    self.pairing = pairing
    self.warnings = warnings
  }
}
