import Glibc
import MediaProtocol

/// A worker that does what its interface's name says: `MODE:ARGUMENT`.
struct FakeWorker {
  enum Mode: String {
    /// Ready, has one device, answers everything.
    case good
    /// As good, but the first time that it runs it ends in the middle; the argument is a file that remembers.
    case frail
    /// Ends at once, with last words.
    case stillborn
    /// Starts and never says that it is ready.
    case mute
    /// As good until it is asked for anything: then it answers nothing, pings neither.
    case silent
    /// Sends bytes that are no frame.
    case garbage
    /// Announces a frame of 4 GiB.
    case huge
    /// Answers pings, but no command.
    case lazy
    /// Ready, and then reads nothing more.
    case deaf
    /// Says what is not its business: another's interface name, a transport change of a device that it has not.
    case liar
    /// More devices than there is room for.
    case crowd
  }
  private let mode: Mode
  private let argument: String

  init?(interface: String) {
    let parts = interface.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let mode = Mode(rawValue: String(parts[0])) else { return nil }
    (self.mode, argument) = (mode, String(parts[1]))
  }

  func run() -> Int32 {
    switch mode {
    case .stillborn:
      send(.event(.worker(interface: "", up: false, detail: "no cable")))
      return 7
    case .mute: return serve { _ in }
    case .garbage:
      transmit(Array("SSH-2.0-OpenSSH_9.2\r\n".utf8))
      return serve { _ in }
    case .huge:
      transmit([0xFF, 0xFF, 0xFF, 0xFF])
      return serve { _ in }
    case .good, .frail, .silent, .lazy, .deaf, .liar, .crowd: break
    }
    send(.ready(address: "10.0.0.1"))
    send(.event(.appeared(device(mode == .frail ? "frail" : "a"))))
    return afterReady()
  }

  private func afterReady() -> Int32 {
    switch mode {
    case .frail where access(argument, F_OK) != 0:
      close(open(argument, O_CREAT | O_WRONLY, 0o600))
      return 9
    case .deaf: while true { pause() }
    case .silent: return serve { _ in }
    case .lazy: return serve { if case .ping = $0.order { send(.reply($0.id, .done)) } }
    case .liar:
      send(.event(.transport(UDN("another's"), .playing, uri: nil)))
      send(.event(.vanished(UDN("another's"), .byebye)))
      send(.reply(999, .done))
      send(.event(.refused(interface: "another", what: "w", why: "y")))
    case .crowd: for number in 0..<400 { send(.event(.appeared(device("\(argument)\(number)")))) }
    default: break
    }
    return serve(answer)
  }

  private func answer(_ command: WorkerCommand) {
    switch command.order {
    case .ping: send(.reply(command.id, .done))
    case .perform(.stop, _): exit(3)
    case .perform(.metadata, _): send(.failed(command.id, .fault(code: 701, text: "no such object")))
    case .perform(.transportInfo, _): send(.reply(command.id, .transport(.playing)))
    case .perform: send(.reply(command.id, .done))
    }
  }

  private func device(_ udn: String) -> MediaDevice {
    MediaDevice(
      udn: UDN(udn), role: .renderer, deviceType: "urn:schemas-upnp-org:device:MediaRenderer:1", friendlyName: "TV", manufacturer: "", modelName: "",
      address: "10.0.0.9", interface: "not-mine", localAddress: "10.0.0.1", sink: [], source: [])
  }

  /// Until the supervisor closes the channel.
  private func serve(_ obey: (WorkerCommand) -> Void) -> Int32 {
    var decoder = WorkerFrameDecoder<WorkerCommand>()
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(3, &buffer, buffer.count)
      guard count > 0 else { return 0 }
      decoder.push(buffer.prefix(count))
      do { while let command = try decoder.next() { obey(command) } } catch { return 1 }
    }
  }

  private func send(_ message: WorkerMessage) {
    do { transmit(try WorkerFrame.encode(message)) } catch { exit(2) }
  }

  private func transmit(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(3, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}
