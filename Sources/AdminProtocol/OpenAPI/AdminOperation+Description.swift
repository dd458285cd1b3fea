extension AdminOperation {
  /// What is needed to describe an operation besides ``rule``.
  package struct Description: Sendable, Hashable {
    package enum Reply: Sendable, Hashable {
      /// By its name in ``AdminSchemas``.
      case json(String, status: Int)
      /// A line each, for as long as the client stays.
      case lines(String)
      case text(String)
      /// An object whose shape is told elsewhere.
      case document
    }
    package var summary: String
    /// Name, whether it is a number, and what it is for.
    package var query: [Parameter] = []
    /// By its name in ``AdminSchemas``; `""`: bytes of any type.
    package var body: String?
    package var reply: Reply

    package struct Parameter: Sendable, Hashable {
      package var name: String
      package var schema: Schema
      package var text: String
      package var isRequired = false
    }
  }

  package var description: Description {
    switch self {
    case .showVersion: .init(summary: "Versions of the software and of this API", reply: .json("Version", status: 200))
    case .showStatus: .init(summary: "The gateway on one page", reply: .json("Status", status: 200))
    case .listPNEs: .init(summary: "All devices", reply: .json("PNEs", status: 200))
    case .showPNE: .init(summary: "One device", reply: .json("PNE", status: 200))
    case .removePNE: .init(summary: "Remove a device for good", reply: .json("Removal", status: 200))
    case .browse: .init(summary: "What a media server has", query: Self.page, reply: .json("Objects", status: 200))
    case .explainPNE: .init(summary: "Why a device is as it is", reply: .json("Explanation", status: 200))
    case .showPairing: .init(summary: "Whether a device may pair now", reply: .json("Pairing", status: 200))
    case .openPairing: .init(summary: "Let one device in", body: "PairingRequest", reply: .json("PairingOpened", status: 200))
    case .cancelPairing: .init(summary: "Close the pairing window", reply: .json("Pairing", status: 200))
    case .enrol: .init(summary: "Make this gateway belong to a CPNS Server", body: "EnrolmentRequest", reply: .json("Enrolment", status: 200))
    case .stageContent: .init(summary: "Stage a content", query: [Self.name], body: "", reply: .json("Content", status: 201))
    case .listDeliveries: .init(summary: "Deliveries under way, and the newest that have ended", query: [Self.limit], reply: .json("Deliveries", status: 200))
    case .showDelivery: .init(summary: "One delivery", reply: .json("Delivery", status: 200))
    case .explainDelivery: .init(summary: "Why a delivery is where it is", reply: .json("Explanation", status: 200))
    case .deliver: .init(summary: "Send a content to a device", body: "DeliveryRequest", reply: .json("Delivery", status: 202))
    case .watch: .init(summary: "What happens, as it happens", reply: .lines("Event"))
    case .listEvents: .init(summary: "What has happened, as far as it is remembered", query: [Self.limit], reply: .json("Events", status: 200))
    case .listAudit: .init(summary: "Who changed what", query: [Self.limit], reply: .json("Audit", status: 200))
    case .readMetrics: .init(summary: "Metrics, OpenMetrics 1.0", reply: .text(OpenMetrics.contentType))
    case .showConfiguration: .init(summary: "What the files say differently from what holds", reply: .json("Configuration", status: 200))
    case .reloadConfiguration: .init(summary: "Read the files again", body: "ReloadRequest", reply: .json("Configuration", status: 200))
    case .readAPI: .init(summary: "This document", reply: .document)
    }
  }

  private static let limit = Description.Parameter(name: "limit", schema: .integer, text: "at most so many")
  private static let name = Description.Parameter(name: "name", schema: .string(), text: "a name that a file could have", isRequired: true)
  private static let page: [Description.Parameter] = [
    .init(name: "container", schema: .string(), text: "its id; 0 is the root"), .init(name: "start", schema: .integer, text: "leave out so many"),
    .init(name: "count", schema: .integer, text: "at most so many, 1 to \(BrowseRequest.mostObjects)"),
  ]
}
