import Configuration
import Diagnosis
import FoundationEssentials
import Glibc

/// The machine in a bundle: facts of the kernel's, and names and sizes of our own files.
enum MachineText {
  private static let files: [(path: String, title: String)] = [
    ("/etc/os-release", "system"), ("/proc/version", "kernel"), ("/proc/uptime", "uptime"), ("/proc/loadavg", "load"), ("/proc/net/route", "routes"),
    ("/proc/net/igmp", "multicast groups"),
  ]
  /// Lines of each; a machine with more routes says it with these.
  private static let mostLines = 100
  private static let mostFiles = 500

  static func make(_ doctor: Doctor) -> String {
    var parts = files.compactMap { path, title in
      SmallFile.text(path).map { "== \(title) (\(path))\n" + $0.split(separator: "\n").prefix(mostLines).joined(separator: "\n") + "\n" }
    }
    let interfaces = Interface.all().map { "\($0.name) up=\($0.isUp) carrier=\($0.hasCarrier) address=\($0.address ?? "-")" }
    parts.append("== interfaces\n" + interfaces.joined(separator: "\n") + "\n")
    if let directory = doctor.configuration?.state.directory { parts.append("== state directory \(directory)\n" + listing(directory) + "\n") }
    return parts.joined(separator: "\n")
  }

  /// Mode, owner, size and name.
  private static func listing(_ directory: String) -> String {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []  // told by the doctor
    return names.sorted().prefix(mostFiles).compactMap { name -> String? in
      var facts = stat()
      guard lstat("\(directory)/\(name)", &facts) == 0 else { return nil }
      return "\(StateRule.octal(facts.st_mode & 0o7777)) \(facts.st_uid) \(facts.st_size) \(name)"
    }.joined(separator: "\n")
  }
}
