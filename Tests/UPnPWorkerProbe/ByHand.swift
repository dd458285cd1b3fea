import Glibc
import Logging
import MediaProtocol
import UPnPSupervisor

/// Prints what the devices do, a line each, and carries out what is typed:
/// `play UDN URL TYPE`, `stop UDN`, `info UDN`, `position UDN`, `browse UDN CONTAINER START COUNT`, `metadata UDN OBJECT`, `quit`.
func superviseByHand(interfaces: [String]) async {
  let supervisor = UPnPSupervisor(interfaces: interfaces, logger: Logger(label: "probe"))
  let began = ContinuousClock.now
  await withTaskGroup(of: Void.self) { group in
    group.addTask { await supervisor.run() }
    group.addTask { for await event in supervisor.events { say("\(ContinuousClock.now - began) \(text(event))") } }
    for await line in lines() {
      if line == "quit" { break }
      group.addTask {
        let asked = ContinuousClock.now
        say("answer to \"\(line)\" \(await carryOut(line, supervisor)) in \(ContinuousClock.now - asked)")
      }
    }
    group.cancelAll()
  }
}

private func text(_ event: MediaDeviceEvent) -> String {
  guard case .appeared(let device) = event else { return "\(event)" }
  return "appeared \(device.udn) \(device.role) \"\(device.friendlyName)\" at \(device.address) on \(device.interface) from \(device.localAddress), sink \(device.sink.count), source \(device.source.count)"
}

private func carryOut(_ line: String, _ supervisor: UPnPSupervisor) async -> String {
  let words = line.split(separator: " ").map(String.init)
  guard words.count >= 2, let command = command(words) else { return "not understood" }
  do throws(MediaError) { return "\(try await supervisor.perform(command, on: UDN(words[1])))" } catch { return "failed: \(error)" }
}

private func command(_ words: [String]) -> MediaCommand? {
  switch (words[0], words.count) {
  case ("play", 4):
    .play(uri: words[2], metadata: DIDL.item(title: "Probe", mediaType: words[3], url: words[2], protocolInfo: .offering(mediaType: words[3], sink: []), size: nil))
  case ("stop", 2): .stop
  case ("info", 2): .transportInfo
  case ("position", 2): .positionInfo
  case ("browse", 5): .browse(container: words[2], start: Int(words[3]) ?? 0, count: Int(words[4]) ?? 10)
  case ("metadata", 3): .metadata(object: words[2])
  default: nil
  }
}

/// Of the standard input, which blocks: on a thread of its own.
private func lines() -> AsyncStream<String> {
  let (stream, lines) = AsyncStream<String>.makeStream(bufferingPolicy: .bufferingOldest(1000))
  let reader = startThread {
    while let line = readLine() { lines.yield(line) }
    lines.finish()
  }
  if !reader { lines.finish() }
  return stream
}

private func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let box = Unmanaged.passRetained(Box(body))
  let result = pthread_create(&thread, nil, { argument in
    if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
    return nil
  }, box.toOpaque())
  return result == 0
}

/// At once, whatever is buffered.
private func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
}
