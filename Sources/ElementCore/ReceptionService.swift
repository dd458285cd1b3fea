import CPNSModel

/// The one service that an element offers (AD 5.6.4): it takes contents.
enum ReceptionService {
  static let type = "content-reception"

  static func description(_ id: ServiceID, of element: EntityID, named name: String) -> ServiceDescription {
    ServiceDescription(
      id: id, name: String("\(name) takes files".prefix(Limits.name)), type: type, keywords: ["content", "files"], offeredBy: element)
  }
}
