/// The values of the admin API by name. A test encodes one of each and compares.
package enum AdminSchemas {
  package static let all: [String: Schema] = [looking, devices, sending, pairing, explaining, requests].reduce(into: [:]) { $0.merge($1) { $1 } }

  private static let looking: [String: Schema] = [
    "Version": .fields(["api": .integer, "software": .string(), "name": .string(), "entity_id": .id]),
    "Status": .fields([
      "name": .string(), "software": .string(), "entity_id": .id, "now": .time, "clock": .fields(["plausible": .boolean]),
      "pn": .fields(["pn_id": .id, "name": .string(), "revision": .integer]), "uplink": .reference("Uplink"),
      "elements": .fields(["port?": .integer, "linked": .integer]), "interfaces": .array(.fields(["name": .string(), "up": .boolean])),
      "devices": .fields(["online": .integer, "busy": .integer, "offline": .integer]),
      "outbox": .fields(["messages": .integer, "oldest?": .time, "full_in_hours?": .integer]), "live_deliveries": .integer,
      "pairing": .reference("Pairing"), "warnings": .array(.reference("Warning")),
    ]),
    "Uplink": .fields([
      "state": .words(["not-enrolled", "connecting", "connected", "waiting"]), "server?": .string(), "server_id?": .id, "since": .time, "detail?": .string(),
    ]),
    "Warning": .fields([
      "code": .string(), "severity": .words(["notice", "warning", "error"]), "subject": .string(), "cause": .string(), "next_step": .string(),
      "affects": .string(), "since?": .time,
    ]),
    "Configuration": .fields([
      "file": .string(), "problem?": .string(), "trial?": .words(["running", "kept", "reverted"]),
      "changes": .array(.fields(["key": .string(), "running": .string(), "file": .string(), "effect": .words(["reload", "restart"])])),
    ]),
    "Event": .fields(["sequence": .integer, "at": .time, "kind": .string(), "text": .string(), "fields": .map(.string())]),
    "Events": .fields(["events": .array(.reference("Event"))]),
    "Error": .fields(["error": .fields(["code": .string(), "message": .string(), "remedy": .string()])]),
  ]

  private static let devices: [String: Schema] = [
    "PNEs": .fields(["pnes": .array(.reference("PNE"))]),
    "PNE": .fields([
      "entity_id": .id, "name": .string(), "kind": .words(["pne", "virtual-pne", "pn-gw"]), "availability": .words(["online", "busy", "offline"]),
      "reason": .string(), "since": .time, "attributes": .map(.string()), "capabilities": .reference("Capabilities"),
      "services": .array(.reference("Service")), "paired?": .boolean,
    ]),
    "Capabilities": .fields([
      "device_type": .string(), "manufacturer": .string(), "model": .string(), "software": .string(), "accepts": .array(.string()),
      "bearers": .array(.string()), "sink_protocol_info": .array(.string()),
    ]),
    "Service": .fields([
      "service_id": .id, "name": .string(), "service_type": .string(), "keywords": .array(.string()), "required_media_types": .array(.string()),
    ]),
    "Removal": .fields(["removed": .id, "name": .string()]),
    "Objects": .fields([
      "container": .string(), "start": .integer, "total": .integer,
      "objects": .array(.fields([
        "id": .string(), "title": .string(), "class": .string(), "is_container": .boolean,
        "resources": .array(.fields(["media_type?": .string(), "protocol_info": .string(), "url": .string(), "size?": .integer])),
      ])),
    ]),
  ]

  private static let sending: [String: Schema] = [
    "Content": .fields(["content_id": .id, "name": .string(), "media_type": .string(), "size?": .integer, "sha256?": .string()]),
    "Deliveries": .fields(["deliveries": .array(.reference("Delivery"))]),
    "Delivery": .fields([
      "delivery_id": .id, "content": .reference("Content"), "consumer": .id, "consumer_name?": .string(), "offered_by": .id,
      "source": .words(["server", "media-server", "administrator"]), "state": .words(["accepted", "fetching", "playing", "delivered", "failed"]),
      "bytes?": .integer, "reason?": .string(), "detail?": .string(), "sha256?": .string(), "attempts": .integer, "accepted": .time, "ended?": .time,
    ]),
  ]

  private static let pairing: [String: Schema] = [
    "Pairing": .fields(["open": .boolean, "expires?": .time, "claimed_by?": .id]),
    "PairingOpened": .fields(["code": .string(), "uri": .string(), "expires": .time]),
    "Enrolment": .fields(["pn_id": .id, "server_id": .id]),
  ]

  private static let explaining: [String: Schema] = [
    "Explanation": .fields([
      "subject": .id, "name": .string(), "state": .string(), "because": .array(.fields(["at?": .time, "text": .string()])), "next_step?": .string(),
      "remembered_since": .time,
    ]),
    "Audit": .fields([
      "entries": .array(.fields([
        "at": .time, "operation": .string(), "subject": .string(), "user": .integer, "process": .integer, "outcome": .string(),
      ]))
    ]),
  ]

  private static let requests: [String: Schema] = [
    "PairingRequest": .fields(["seconds?": .integer]),
    "ReloadRequest": .fields(["trial_seconds?": .integer]),
    "EnrolmentRequest": .fields(["code": .string(), "server": .string()]),
    "DeliveryRequest": .fields(["consumer": .id, "content_id?": .id, "from?": .id, "object?": .string()]),
  ]
}
