import MediaProtocol

/// Reads a device's description and what it takes and gives: LOCATION → ``FoundDevice``s.
struct Finder {
  /// A whole fetch, from connecting to the last byte.
  static let fetchSeconds = 2
  static let answerSeconds = 5

  struct Place {
    var interface: String
    var local: IPAddress
    var policy: LANPolicy
  }
  typealias Finding = Result<[FoundDevice], Refusal>
  struct Refusal: Error { var why: String }

  let client: HTTPClient
  let place: Place

  func find(_ location: LANURL, from source: IPAddress, _ done: @escaping (Finding) -> Void) {
    fetch(location) { result in
      switch result {
      case .failure(let refusal): done(.failure(refusal))
      case .success(let message):
        do throws(Refusal) {
          let description = try describe(message, location, source)
          complete(description.devices.map { found($0, source) }[...], [], done)
        } catch { done(.failure(error)) }
      }
    }
  }

  /// Whether the device still answers: any whole HTTP answer will do.
  func probe(_ location: LANURL, _ done: @escaping (Bool) -> Void) {
    fetch(location) { result in
      if case .success = result { done(true) } else { done(false) }
    }
  }

  private func fetch(_ location: LANURL, _ done: @escaping (Result<HTTPMessage, Refusal>) -> Void) {
    let request = HTTPRequest(
      method: "GET", url: location, bodyLimit: XMLLimits.description.bytes, lane: .discovery, limit: .within(.seconds(Self.fetchSeconds)))
    client.send(request) { result in
      done(result.mapError { Refusal(why: "\($0)") }.flatMap { message in
        message.head.status == 200
          ? .success(message) : .failure(Refusal(why: "its answer was \"\(message.head.firstLine.prefix(60))\"; 200 would be right, and redirects are not followed"))
      })
    }
  }

  private func describe(_ message: HTTPMessage, _ location: LANURL, _ source: IPAddress) throws(Refusal) -> DeviceDescription {
    let root: XMLElement
    do throws(XMLRefusal) { root = try parseXML(message.body, limits: .description) } catch { throw Refusal(why: "the description \(error)") }
    do throws(DescriptionRefusal) {
      return try DeviceDescription(root, location: location) { url throws(LANRefusal) in try place.policy.check(url, from: source) }
    } catch { throw Refusal(why: "\(error)") }
  }

  private func found(_ described: DescribedDevice, _ source: IPAddress) -> FoundDevice {
    let device = MediaDevice(
      udn: described.udn, role: described.role, deviceType: described.deviceType, friendlyName: described.friendlyName,
      manufacturer: described.manufacturer, modelName: described.modelName, address: "\(source)", interface: place.interface,
      localAddress: "\(place.local)", sink: [], source: [])
    return FoundDevice(device: device, services: described.services, source: source)
  }

  /// Asks one device after the other for its ProtocolInfo.
  private func complete(_ rest: ArraySlice<FoundDevice>, _ whole: [FoundDevice], _ done: @escaping (Finding) -> Void) {
    guard var next = rest.first else { return done(.success(whole)) }
    guard let service = next.service(.connectionManager) else { return complete(rest.dropFirst(), whole + [next], done) }
    let call = SOAPCall(
      action: SOAPAction(service.type, "GetProtocolInfo"), url: service.control, lane: .discovery, limit: .within(.seconds(Self.answerSeconds)))
    call.send(by: client) { result in
      switch result {
      case .success(let out):
        next.device.sink = ProtocolInfo.list(out["Sink"] ?? "")
        next.device.source = ProtocolInfo.list(out["Source"] ?? "")
      case .failure(.fault): break  // It cannot say: it takes nothing, as far as we know.
      case .failure(let error): return done(.failure(Refusal(why: "GetProtocolInfo: \(error)")))
      }
      complete(rest.dropFirst(), whole + [next], done)
    }
  }
}
