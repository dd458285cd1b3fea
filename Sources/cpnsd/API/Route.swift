/// What a path names.
enum Route: Sendable, Equatable {
  case status
  case pns, pn(String)
  case pnes, pne(String)
  case services, service(String)
  case contents, content(String)
  case deliveries, delivery(String)
  case usage

  init?(_ path: [String]) {
    guard path.first == "v1", (2...3).contains(path.count) else { return nil }
    let id = path.count == 3 ? path[2] : nil
    switch (path[1], id) {
    case ("status", nil): self = .status
    case ("pns", nil): self = .pns
    case ("pns", let id?): self = .pn(id)
    case ("pnes", nil): self = .pnes
    case ("pnes", let id?): self = .pne(id)
    case ("services", nil): self = .services
    case ("services", let id?): self = .service(id)
    case ("contents", nil): self = .contents
    case ("contents", let id?): self = .content(id)
    case ("deliveries", nil): self = .deliveries
    case ("deliveries", let id?): self = .delivery(id)
    case ("usage", nil): self = .usage
    default: return nil
    }
  }

  var methods: [String] {
    switch self {
    case .status, .pns, .pn, .pnes, .pne, .delivery, .usage: ["GET"]
    case .services, .contents, .deliveries: ["GET", "POST"]
    case .service, .content: ["GET", "DELETE"]
    }
  }

  /// Parameters of the query that `method` takes.
  func parameters(_ method: String) -> Set<String> {
    switch (self, method) {
    case (.services, "GET"): ["q", "limit", "after"]
    case (.pns, "GET"), (.pnes, "GET"), (.contents, "GET"), (.deliveries, "GET"), (.usage, "GET"): ["limit", "after"]
    case (.contents, "POST"): ["name"]
    default: []
    }
  }
}
