import CPNSModel
import GatewayCore
import ServiceManager

/// The gist of the gateway's state, in the line that `systemctl status` shows.
struct StatusLine: Sendable {
  /// A person does not read faster, and a noisy LAN must not keep the service manager busy.
  private static let shortestPause = Duration.seconds(2)

  let gateway: Gateway

  /// The whole life: until cancelled.
  func run() async {
    let manager = ServiceManager()
    let events = gateway.journal.watch()
    var told = ""
    func tell() async {
      let line = await text
      if line != told { manager.status(line) }
      told = line
    }
    await tell()
    for await event in events where event.kind != .deliveryProgress {
      await tell()
      do { try await Task.sleep(for: Self.shortestPause) } catch { return }
      await tell()
    }
  }

  private var text: String {
    get async {
      let entries = await gateway.inventory.all
      let uplink =
        switch gateway.uplink.state {
        case .notEnrolled: "not enrolled"
        case .connecting(let server): "connecting to \(server)"
        case .connected(let server, _): "connected to \(server)"
        case .waiting(let server, _): "down (\(server))"
        }
      let worst = gateway.health.all.map { $0.code.rawValue }
      let warnings = worst.isEmpty ? "no warnings" : worst.prefix(3).joined(separator: ", ") + (worst.count > 3 ? ", …" : "")
      return "uplink \(uplink); \(entries.count { $0.availability != .offline }) of \(entries.count) devices online; \(warnings)"
    }
  }
}
