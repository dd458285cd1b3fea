import AdminProtocol

/// What the files say differently, for people.
enum ConfigScreen {
  static func lines(_ reply: ConfigurationReply) -> [String] {
    if let problem = reply.problem { return ["the files are wrong, and what holds stays:"] + problem.split(separator: "\n").map { "  " + Printable.text(String($0)) } }
    guard !reply.changes.isEmpty else { return ["the files say what holds"] }
    return reply.changes.flatMap { change in
      [
        change.key + (change.effect == .reload ? "" : "  (after a restart: systemctl restart pngwd)"), "  - " + Printable.text(change.running),
        "  + " + Printable.text(change.file),
      ]
    }
  }
}
