import CPNSModel
import GatewayCore
import MediaProtocol
import Synchronization

/// A LAN of UPnP devices that the test speaks for.
final class FakeMedia: MediaDevices {
  let events: AsyncStream<MediaDeviceEvent>
  private let telling: AsyncStream<MediaDeviceEvent>.Continuation
  private let done = Mutex<[MediaCommand]>([])

  init() { (events, telling) = AsyncStream.makeStream() }

  var commands: [MediaCommand] { done.withLock { $0 } }
  func tell(_ event: MediaDeviceEvent) { telling.yield(event) }

  func perform(_ command: MediaCommand, on device: UDN) async throws(MediaError) -> MediaReply {
    done.withLock { $0.append(command) }
    return command == .transportInfo ? .transport(.playing) : .done
  }

  static func television(_ udn: String = "tv", sink: [String] = ["http-get:*:video/mp4:*"]) -> MediaDevice {
    MediaDevice(
      udn: UDN(udn), role: .renderer, deviceType: "urn:schemas-upnp-org:device:MediaRenderer:1", friendlyName: "TV", manufacturer: "Acme",
      modelName: "X", address: "10.0.0.7", interface: "lan", localAddress: "10.0.0.1", sink: sink, source: [])
  }
}

/// Hands out one URL after the other; the test says what the device reads.
final class FakeRelay: MediaRelaying {
  let events: AsyncStream<RelayEvent>
  private let telling: AsyncStream<RelayEvent>.Continuation
  private let tickets = Mutex<(given: [RelayTicket], withdrawn: [RelayTicket])>(([], []))

  init() { (events, telling) = AsyncStream.makeStream() }

  var given: [RelayTicket] { tickets.withLock { $0.given } }
  var withdrawn: [RelayTicket] { tickets.withLock { $0.withdrawn } }
  func tell(_ event: RelayEvent) { telling.yield(event) }

  func publish(_ offering: RelayOffering) async throws(RelayError) -> RelayTicket {
    tickets.withLock { tickets in
      let token = "t\(tickets.given.count)"
      let ticket = RelayTicket(token: token, url: "http://10.0.0.1/\(token)")
      tickets.given.append(ticket)
      return ticket
    }
  }
  func withdraw(_ ticket: RelayTicket) async { tickets.withLock { $0.withdrawn.append(ticket) } }
}

/// Gives the bytes that the test put under a URL.
final class FakeFetching: MediaFetching {
  private let contents = Mutex<[String: [UInt8]]>([:])
  func put(_ bytes: [UInt8], at url: String) { contents.withLock { $0[url] = bytes } }

  func fetch(
    url: String, onlyFrom host: String, offset: UInt64, sink: @Sendable ([UInt8]) async throws -> Void
  ) async throws(FetchError) -> UInt64? {
    guard let bytes = contents.withLock({ $0[url] }) else { throw .status(404) }
    do { try await sink(Array(bytes.dropFirst(Int(offset)))) } catch { throw .interrupted("\(error)") }
    return UInt64(bytes.count)
  }
}
