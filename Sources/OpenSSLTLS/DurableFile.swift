import Glibc

/// Files that are whole or as they were before, whatever happens meanwhile: for keys and certificates.
package enum DurableFile {
  /// Longest file that ``read(_:)`` takes: a chain of eight certificates has 16 kB.
  package static let limit = 1 << 20

  /// Writes beside the file, makes it durable, and puts it in place.
  /// - Parameter mode: permissions of the file; keys have 0600.
  /// - Throws: ``TLSError/configuration(_:)`` with the path and what the system said.
  package static func write(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o600) throws(TLSError) {
    try write(bytes, to: path, mode: mode, owner: nil)
  }

  private static func write(_ bytes: [UInt8], to path: String, mode: UInt32, owner: (user: uid_t, group: gid_t)?) throws(TLSError) {
    let temporary = path + ".new"
    _ = unlink(temporary)  // what a crash may have left
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard file >= 0 else { throw failure("create", temporary) }
    let isOwned = owner.map { fchown(file, $0.user, $0.group) == 0 } ?? true
    let isWhole = isOwned && fchmod(file, mode) == 0 && write(bytes, to: file) && fsync(file) == 0
    let problem = isWhole ? nil : failure("write", temporary)
    close(file)
    guard problem == nil, rename(temporary, path) == 0 else {
      let error = problem ?? failure("replace", path)
      unlink(temporary)
      throw error
    }
    try sync(folderOf: path)
  }

  /// Writes `file` with the permissions, owner and group of `model`, which may be `file` itself.
  package static func replace(_ bytes: [UInt8], in file: String, like model: String) throws(TLSError) {
    var status = stat()
    guard stat(model, &status) == 0 else { throw failure("see", model) }
    try write(bytes, to: file, mode: UInt32(status.st_mode & 0o7777), owner: (status.st_uid, status.st_gid))
  }

  /// - Throws: ``TLSError/configuration(_:)`` when it can't be read or is longer than ``limit``.
  package static func read(_ path: String) throws(TLSError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure("read", path) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = Glibc.read(file, &piece, piece.count)
      guard count >= 0 else { throw failure("read", path) }
      if count == 0 { return bytes }
      bytes += piece[..<count]
      guard bytes.count <= limit else { throw .configuration("\(path) is longer than \(limit) bytes") }
    }
  }

  /// Puts `path` in the place of `other`, which is gone. Durable when it returns.
  package static func move(_ path: String, to other: String) throws(TLSError) {
    guard rename(path, other) == 0 else { throw failure("replace", other) }
    try sync(folderOf: other)
  }

  /// Does nothing when there is none.
  package static func remove(_ path: String) throws(TLSError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    try sync(folderOf: path)
  }

  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  private static func write(_ bytes: [UInt8], to file: CInt) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// A rename is durable when its folder is.
  private static func sync(folderOf path: String) throws(TLSError) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard handle >= 0 else { throw failure("open", folder) }
    defer { close(handle) }
    guard fsync(handle) == 0 else { throw failure("sync", folder) }
  }

  private static func failure(_ verb: String, _ path: String) -> TLSError {
    let reason = String(cString: strerror(errno))
    return .configuration("can't \(verb) \(path): \(reason)")
  }
}
