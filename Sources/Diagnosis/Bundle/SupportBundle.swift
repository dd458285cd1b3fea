package import CPNSModel
import FoundationEssentials

/// What goes to whoever helps: a few files that a person can read before they leave.
package struct SupportBundle: Sendable {
  private var tar = Tar()
  private var purposes: [(name: String, purpose: String)] = []

  package init() {}

  /// - Parameter purpose: one sentence, for the manifest.
  package mutating func add(_ name: String, _ purpose: String, text: String) {
    tar.add(Tar.File(name: name, bytes: Array(text.utf8)))
    purposes.append((name, purpose))
  }

  /// - Parameter value: anything secret in it is a ``Secret``, any name that people gave a ``Private``.
  package mutating func add(_ name: String, _ purpose: String, json value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    let bytes: [UInt8] = (try? encoder.encode(value)).map { Array($0) + [10] } ?? []  // its values have no numbers that JSON has not
    tar.add(Tar.File(name: name, bytes: bytes))
    purposes.append((name, bytes.isEmpty ? purpose + " It could not be written." : purpose))
  }

  /// - Parameter missing: what could not be had, and why; a line each.
  package func archive(at now: Timestamp, missing: [String]) -> [UInt8] {
    var whole = Tar()
    whole.add(Tar.File(name: "MANIFEST.txt", bytes: Array(manifest(now, missing).utf8)))
    for file in tar.files { whole.add(file) }
    let day = now.iso8601.prefix(19).filter { $0 != ":" && $0 != "-" }
    return whole.archive(folder: "pngw-bundle-\(day)", seconds: now.milliseconds / 1000)
  }

  private func manifest(_ now: Timestamp, _ missing: [String]) -> String {
    let files = zip(tar.files, purposes).map { file, purpose in
      "\(file.name), \(file.bytes.count) bytes\(file.omitted > 0 ? ", and \(file.omitted) more that were left out" : "")\n    \(purpose.purpose)"
    }
    let absent = missing.isEmpty ? [] : ["", "What could not be had:"] + missing.map { "  " + $0 }
    let lines = [
      "Support bundle of a pngw gateway, made \(now.iso8601) by pngwctl \(Version.text).", "",
      "No key, no code, no password and no content is in it: values that are secret are shown as \"(hidden)\", and names that people gave to",
      "contents as \"content-1\", \"content-2\"… The log is not in it, for it is free text: send it yourself after reading it",
      "(journalctl -u pngwd). Addresses and names of devices are in it.", "",
    ]
    return (lines + files + absent).joined(separator: "\n") + "\n"
  }
}
