/// What a PNE or an Application/Content Entity offers (AD 5.6.4).
package struct ServiceDescription: Hashable, Sendable, Codable {
  package var id: ServiceID
  package var name: String
  /// "media-rendering", "media-library", "content-reception", or a URI of the offerer's.
  package var type: String
  package var keywords: [String]
  /// AD: the Service Offerer.
  package var offeredBy: EntityID
  /// Media types of which the consumer's device must take one. Empty: none in particular.
  package var requiredMediaTypes: [String]

  package init(
    id: ServiceID, name: String, type: String, keywords: [String] = [], offeredBy: EntityID, requiredMediaTypes: [String] = []
  ) {
    self.id = id
    self.name = name
    self.type = type
    self.keywords = keywords
    self.offeredBy = offeredBy
    self.requiredMediaTypes = requiredMediaTypes
  }
}
