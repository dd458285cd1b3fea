import Glibc

/// Held by the one process that owns a database; the kernel lets go of it however that process ends.
///
/// A file of its own beside the database: SQLite loses its locks when anybody in the process closes the database file.
struct OwnerLock: ~Copyable {
  private let descriptor: CInt

  /// nil when another has it.
  static func take(beside path: String) throws(SQLiteError) -> OwnerLock? {
    let descriptor = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .unavailable("\(path).lock: \(String(cString: strerror(errno)))") }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return OwnerLock(descriptor: descriptor) }
    Glibc.close(descriptor)
    return nil
  }

  private init(descriptor: CInt) { self.descriptor = descriptor }
  deinit { Glibc.close(descriptor) }
}

/// The database holds keys: nobody else may read it. SQLite gives its log the same mode.
func makePrivateFile(_ path: String) throws(SQLiteError) {
  let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
  guard descriptor >= 0 else { throw .unavailable("\(path): \(String(cString: strerror(errno)))") }
  Glibc.close(descriptor)
}
