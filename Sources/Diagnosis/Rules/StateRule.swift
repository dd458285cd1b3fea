/// Whether files are there, and whose they are.
package enum StateRule {
  package struct FileFacts: Sendable, Hashable {
    package var path: String
    package var owner: UInt32
    /// Permission bits.
    package var mode: UInt32
    package var isDirectory: Bool

    package init(path: String, owner: UInt32, mode: UInt32, isDirectory: Bool) {
      self.path = path
      self.owner = owner
      self.mode = mode
      self.isDirectory = isDirectory
    }
  }
  /// Who pngwd runs as.
  package struct User: Sendable, Hashable {
    package var name: String
    package var id: UInt32

    package init(name: String, id: UInt32) {
      self.name = name
      self.id = id
    }
  }

  package static func missing(_ directory: String, user: User) -> Finding {
    Finding(
      .stateMissing, subject: directory, evidence: "\(directory) is not there",
      remedy: "run: install -d -m 0700 -o \(user.name) \(quoted(directory))")
  }

  /// - Parameter keys: names of files that nobody else may read.
  package static func findings(_ files: [FileFacts], keys: Set<String>, user: User) -> [Finding] {
    files.flatMap { file in owner(file, user) + access(file, keys.contains(file.path)) }
  }

  private static func owner(_ file: FileFacts, _ user: User) -> [Finding] {
    guard file.owner != user.id else { return [] }
    return [Finding(
      .statePermissions, subject: file.path, evidence: "\(file.path) belongs to the user \(file.owner), and pngwd runs as \(user.name) (\(user.id))",
      remedy: "run: chown \(user.name) \(quoted(file.path))")]
  }

  private static func access(_ file: FileFacts, _ isKey: Bool) -> [Finding] {
    let wanted: UInt32 = file.isDirectory ? 0o700 : 0o600
    if file.mode & wanted & 0o700 != wanted {
      return [Finding(
        .statePermissions, subject: file.path, evidence: "\(file.path) has the mode \(octal(file.mode)): its own user can't read and write it",
        remedy: "run: chmod \(octal(wanted)) \(quoted(file.path))")]
    }
    guard isKey || file.isDirectory, file.mode & 0o077 != 0 else { return [] }
    return [Finding(
      .keyExposed, subject: file.path, evidence: "\(file.path) has the mode \(octal(file.mode)): others can look into it",
      remedy: "run: chmod \(octal(wanted)) \(quoted(file.path))")]
  }

  package static func octal(_ mode: UInt32) -> String {
    let text = String(mode & 0o7777, radix: 8)
    return String(repeating: "0", count: max(0, 4 - text.count)) + text
  }

  /// For a shell.
  package static func quoted(_ text: String) -> String {
    // Letters, digits, and + - . / : = @ _
    let isPlain = !text.isEmpty && text.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || [43, 45, 46, 47, 58, 61, 64, 95].contains(byte)
    }
    return isPlain ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
}
