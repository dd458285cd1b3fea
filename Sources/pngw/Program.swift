/// Which of its programs this binary is asked to be: by the name that it was called with, or, when that is none of them, by
/// its first argument (`pngw pngwctl status`).
struct Program: Sendable {
  enum Name: String, CaseIterable {
    case daemon = "pngwd"
    case control = "pngwctl"
    case worker = "pngw-upnp"
  }

  let name: Name?
  /// Without the program's own name.
  let arguments: [String]

  init(_ commandLine: [String]) {
    let called = commandLine.first?.split(separator: "/").last.map(String.init) ?? ""
    if let name = Name(rawValue: called) {
      self.name = name
      arguments = Array(commandLine.dropFirst())
    } else {
      name = commandLine.dropFirst().first.flatMap(Name.init(rawValue:))
      arguments = Array(commandLine.dropFirst(2))
    }
  }

  static let usage = "usage: pngw \(Name.allCases.map(\.rawValue).joined(separator: "|")) …, or a link of that name to this file\n"
}
