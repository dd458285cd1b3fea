package import MediaProtocol

/// Carries out commands: one or two SOAP actions each, 5 s in all.
package struct Commands {
  /// Most objects asked for at once: with the few properties that we ask for, a page stays under its 64 kB.
  static let pageObjects = 50
  /// Half as many are asked for when a page is too large, down to this.
  static let fewestObjects = 1
  /// What we need of an object; `*` would bring pages of properties.
  private static let filter = "dc:title,upnp:class,res,res@size,res@protocolInfo"

  package typealias Answer = (Result<MediaReply, MediaError>) -> Void

  let client: HTTPClient

  package init(client: HTTPClient) { self.client = client }

  package func perform(_ command: MediaCommand, on found: FoundDevice, until due: EventLoop.Instant, _ answer: @escaping Answer) {
    let call = Call(client: client, found: found, due: due, answer: answer)
    switch command {
    case .play(let uri, let metadata): call.playAnew(uri, metadata)
    case .stop: call.transport("Stop") { _ in .done }
    case .transportInfo:
      call.transport("GetTransportInfo") { .transport(TransportState(text: $0["CurrentTransportState"] ?? "")) }
    case .positionInfo:
      call.transport("GetPositionInfo") {
        .position(
          uri: String(($0["TrackURI"] ?? "").prefix(LANURL.longest)), relativeSeconds: MediaTime.seconds($0["RelTime"] ?? ""),
          durationSeconds: MediaTime.seconds($0["TrackDuration"] ?? ""))
      }
    case .browse(let container, let start, let count):
      call.browse(container, "BrowseDirectChildren", start, min(max(count, 1), pageObjects))
    case .metadata(let object): call.browse(object, "BrowseMetadata", 0, 1)
    }
  }

  private var pageObjects: Int { Self.pageObjects }

  /// One command under way.
  private struct Call {
    let client: HTTPClient
    let found: FoundDevice
    let due: EventLoop.Instant
    let answer: Answer

    private static let instance = SOAPAction.Argument("InstanceID", "0")

    /// A renderer that plays already takes the new URI and goes on with the old one, or with nothing: Play changes nothing there.
    func playAnew(_ uri: String, _ metadata: String) {
      act(.avTransport, "GetTransportInfo", [Self.instance]) { result in
        switch result.map({ TransportState(text: $0["CurrentTransportState"] ?? "") }) {
        case .success(.playing), .success(.transitioning), .success(.paused):
          act(.avTransport, "Stop", [Self.instance]) { _ in play(uri, metadata, mayStop: false) }
        // One that does not tell its state may still play.
        case .success, .failure(.fault): play(uri, metadata, mayStop: true)
        case .failure(let error): answer(.failure(error))
        }
      }
    }

    private func play(_ uri: String, _ metadata: String, mayStop: Bool) {
      let arguments = [Self.instance, .init("CurrentURI", uri), .init("CurrentURIMetaData", metadata)]
      act(.avTransport, "SetAVTransportURI", arguments) { result in
        switch result {
        case .success:
          act(.avTransport, "Play", [Self.instance, .init("Speed", "1")]) { answer($0.map { _ in .done }) }
        case .failure(.fault(let code, _)) where mayStop && (code == 701 || code == 705):
          // Some renderers take a new URI only when they are stopped.
          act(.avTransport, "Stop", [Self.instance]) { _ in play(uri, metadata, mayStop: false) }
        case .failure(let error): answer(.failure(error))
        }
      }
    }

    func transport(_ name: String, _ reply: @escaping ([String: String]) -> MediaReply) {
      act(.avTransport, name, [Self.instance]) { answer($0.map(reply)) }
    }

    func browse(_ object: String, _ flag: String, _ start: Int, _ count: Int) {
      let arguments: [SOAPAction.Argument] = [
        .init("ObjectID", object), .init("BrowseFlag", flag), .init("Filter", Commands.filter),
        .init("StartingIndex", "\(max(0, start))"), .init("RequestedCount", "\(count)"), .init("SortCriteria", ""),
      ]
      act(.contentDirectory, "Browse", arguments) { result in
        let page = result.flatMap { Self.page($0) }
        if case .failure(.malformed(let why)) = page, why.hasPrefix(SOAPCall.tooLarge), count > Commands.fewestObjects {
          return browse(object, flag, start, count / 2)
        }
        answer(page)
      }
    }

    private static func page(_ out: [String: String]) -> Result<MediaReply, MediaError> {
      Result { () throws(MediaError) in
        let objects = try DIDL.objects(SOAPCall.parsed(Array((out["Result"] ?? "").utf8), limits: .page, "the listing"))
        return .objects(objects, total: out["TotalMatches"].flatMap { Int($0) } ?? objects.count)
      }
    }

    private func act(
      _ kind: DescribedService.Kind, _ name: String, _ arguments: [SOAPAction.Argument],
      _ done: @escaping (Result<[String: String], MediaError>) -> Void
    ) {
      guard let service = found.service(kind) else {
        return done(.failure(.fault(code: 401, text: "the device has no \(kind.rawValue) service")))
      }
      SOAPCall(action: SOAPAction(service.type, name, arguments), url: service.control, lane: .command, limit: .until(due)).send(by: client, done)
    }
  }
}

/// One SOAP action over HTTP (UPnP Device Architecture 1.1, 3.2).
package struct SOAPCall {
  /// How the text of a refused answer begins when a smaller question would help.
  static let tooLarge = "too large: "

  var action: SOAPAction
  var url: LANURL
  var lane: HTTPRequest.Lane
  var limit: HTTPRequest.Limit

  package init(action: SOAPAction, url: LANURL, lane: HTTPRequest.Lane, limit: HTTPRequest.Limit) {
    self.action = action
    self.url = url
    self.lane = lane
    self.limit = limit
  }

  package func send(by client: HTTPClient, _ done: @escaping (Result<[String: String], MediaError>) -> Void) {
    let request = HTTPRequest(
      method: "POST", url: url, fields: [("CONTENT-TYPE", "text/xml; charset=\"utf-8\""), ("SOAPACTION", action.header)],
      body: Array(action.body.utf8), bodyLimit: XMLLimits.answer.bytes, lane: lane, limit: limit)
    client.send(request) { result in
      done(Result { () throws(MediaError) in try answer(result) })
    }
  }

  private func answer(_ result: Result<HTTPMessage, HTTPFailure>) throws(MediaError) -> [String: String] {
    let message: HTTPMessage
    do throws(HTTPFailure) { message = try result.get() } catch { throw MediaError(error, action.name) }
    // Faults come with 500; all else is no SOAP.
    guard let status = message.head.status, status == 200 || status == 500 else {
      throw .malformed("the answer to \(action.name) was \"\(message.head.firstLine.prefix(60))\"")
    }
    return try action.answer(Self.parsed(message.body, limits: .answer, "the answer to \(action.name)"))
  }

  static func parsed(_ bytes: [UInt8], limits: XMLLimits, _ what: String) throws(MediaError) -> XMLElement {
    do throws(XMLRefusal) { return try parseXML(bytes, limits: limits) } catch {
      switch error {
      case .tooLarge, .tooManyElements: throw .malformed(tooLarge + "\(what) is too long: \(error)")
      default: throw .malformed("\(what) \(error)")
      }
    }
  }
}

extension MediaError {
  init(_ failure: HTTPFailure, _ action: String) {
    self =
      switch failure {
      case .unreachable(let why): .unreachable(why)
      case .timedOut: .unreachable("no answer to \(action) in time")
      case .refused(.bodyTooLarge(let limit)): .malformed(SOAPCall.tooLarge + "the answer to \(action) has more than \(limit) bytes")
      case .refused(let refusal): .malformed("the answer to \(action) \(refusal)")
      case .busy: .busy("too many commands wait for the device")
      }
  }
}
