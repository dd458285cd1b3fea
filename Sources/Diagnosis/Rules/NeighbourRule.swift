/// Other programs on this machine: those that we need, and those that are in the way.
package enum NeighbourRule {
  package struct Holder: Sendable, Hashable {
    package var process: Int32
    package var name: String

    package init(process: Int32, name: String) {
      self.process = process
      self.name = name
    }
    package var words: String { "\(name) (process \(process))" }
  }

  /// - Parameters:
  ///   - holders: programs with UDP port 5353 open on all addresses.
  ///   - isAvahiThere: on the system bus; nil: the bus itself is not there.
  package static func responders(_ holders: [Holder], isAvahiThere: Bool?) -> [Finding] {
    var findings: [Finding] = []
    if isAvahiThere != true {
      let what = isAvahiThere == nil ? "there is no system bus, so no avahi-daemon" : "avahi-daemon is not on the system bus"
      findings.append(Finding(.avahiMissing, evidence: what, remedy: "run: systemctl start avahi-daemon"))
    }
    let others = holders.filter { !$0.name.hasPrefix("avahi-daemon") }
    if let other = others.first {
      findings.append(Finding(
        .secondResponder, subject: other.name, evidence: "\(others.map(\.words).joined(separator: ", ")) listens on the port of mDNS too",
        remedy: other.name.hasPrefix("systemd-resolve")
          ? "set MulticastDNS=no in /etc/systemd/resolved.conf, then: systemctl restart systemd-resolved" : "run: kill \(other.process)"))
    }
    return findings
  }

  /// - Parameter adapters: of Bluetooth, as the kernel names them.
  package static func bluetooth(adapters: [String], isDaemonThere: Bool?) -> [Finding] {
    if isDaemonThere == true { return [] }
    let why = adapters.isEmpty ? "; there is no adapter either" : ", and there is \(adapters.joined(separator: ", "))"
    return [Finding(
      .bluetoothdMissing, adapters.isEmpty ? .notice : .warning, evidence: "bluetoothd is not on the system bus\(why)", remedy: "run: systemctl start bluetooth")]
  }

  /// A port that pngwd wants, and somebody else has.
  package static func port(_ number: Int, _ kind: String, purpose: String, key: String, holder: Holder?) -> Finding {
    let who = holder.map(\.words) ?? "another program"
    let end = holder.map { "run: kill \($0.process)" } ?? "end that program, or set another port (\(key) in pngw.toml)"
    return Finding(.portTaken, subject: "\(number)", evidence: "\(who) has \(kind) port \(number), which pngwd needs for \(purpose)", remedy: end)
  }
}
