/// An action of a service (UPnP Device Architecture 1.1, 3.2.1).
package struct SOAPAction: Hashable, Sendable {
  package struct Argument: Hashable, Sendable {
    package var name: String
    package var value: String
    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  package var serviceType: String
  package var name: String
  /// In the order of the service's standard: some devices insist on it.
  package var arguments: [Argument]

  package init(_ serviceType: String, _ name: String, _ arguments: [Argument] = []) {
    self.serviceType = serviceType
    self.name = name
    self.arguments = arguments
  }

  /// Of the `SOAPACTION` header, with its quotes.
  package var header: String { "\"\(serviceType)#\(name)\"" }

  package var body: String {
    let inner = arguments.map { "<\($0.name)>\($0.value.xmlEscaped)</\($0.name)>" }.joined()
    return """
      <?xml version="1.0" encoding="utf-8"?>\r
      <s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">\
      <s:Body><u:\(name) xmlns:u="\(serviceType.xmlEscaped)">\(inner)</u:\(name)></s:Body></s:Envelope>\r

      """
  }

  /// The arguments that came back.
  /// - Throws: `.fault` when the device says no, `.malformed` when it says neither yes nor no.
  package func answer(_ envelope: XMLElement) throws(MediaError) -> [String: String] {
    guard envelope.name == "Envelope", let body = envelope.first("Body") else {
      throw .malformed("the answer to \(name) is <\(envelope.name.prefix(40))> and not a SOAP envelope")
    }
    if let fault = body.first("Fault") { throw Self.fault(fault) }
    guard let response = body.first(name + "Response") else { throw .malformed("the answer to \(name) has no <\(name)Response>") }
    var out: [String: String] = [:]
    for argument in response.children { out[argument.name] = argument.text }
    return out
  }

  private static func fault(_ fault: XMLElement) -> MediaError {
    let error = fault.first("detail")?.first("UPnPError")
    let text = error?.value("errorDescription") ?? fault.value("faultstring") ?? ""
    let code = error?.value("errorCode").flatMap { Int($0) } ?? 0
    return .fault(code: code, text: text.isEmpty ? meaning(code) : String(text.prefix(200)))
  }

  /// UPnP Device Architecture 1.1, 3.2.2; AVTransport:1, 2.4; ContentDirectory:1, 2.7.
  private static func meaning(_ code: Int) -> String {
    switch code {
    case 401: "the device does not know this action"
    case 402: "the device does not take these arguments"
    case 501: "the action failed"
    case 701: "not possible in its present state, or no such object"
    case 705: "the device is busy with something else"
    case 714: "the device does not play this media type"
    case 715: "the content is used elsewhere"
    case 716: "the device did not find the content"
    case 718: "the device does not know this instance"
    default: "no reason given"
    }
  }
}
