/// What was found of the database.
package enum DatabaseRule {
  package enum Verdict: Sendable, Hashable {
    /// There is none yet: pngwd makes it.
    case absent
    case sound
    case damaged(String)
    case foreign(String)
    case newer(found: Int, known: Int)
    case unavailable(String)
  }

  package static func finding(_ verdict: Verdict, path: String) -> Finding? {
    let place = StateRule.quoted(path)
    switch verdict {
    case .absent, .sound: return nil
    case .damaged(let why):
      let away = ["", "-wal", "-shm"].map { "\(place)\($0)" }.joined(separator: " ")
      return Finding(
        .databaseDamaged, subject: path, evidence: why,
        remedy: "restore a backup of \(path), or begin anew, which forgets pairings and enrolment: stop pngwd, run: rm -f \(away); start pngwd, and enrol again")
    case .foreign(let why): return Finding(.databaseForeign, subject: path, evidence: why, remedy: "move \(path) away, or set state.directory in pngw.toml")
    case .newer(let found, let known):
      return Finding(
        .databaseNewer, subject: path, evidence: "the database has the schema \(found), and this version knows \(known)",
        remedy: "install the newer version of pngw again, or restore a backup")
    case .unavailable(let why): return Finding(.storeUnavailable, subject: path, evidence: why, remedy: "see that the disk of \(path) has room and is healthy")
    }
  }
}
