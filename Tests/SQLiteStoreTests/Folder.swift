import Foundation
import SQLiteStore
import Synchronization

/// A folder of a test's own, gone with it.
final class Folder: Sendable {
  let path = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID())").path

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// The database and its log as a kill would leave them now: first what only a checkpoint changes, then what only grows.
  /// - Returns: the copy's path.
  func copy(_ name: String) throws -> String {
    let copy = file("copy-\(UUID())")
    for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: file(name + suffix)) {
      try FileManager.default.copyItem(atPath: file(name + suffix), toPath: copy + suffix)
    }
    return copy
  }
}

/// Damages a page in the middle of a file.
func damage(_ path: String) throws {
  let handle = try FileHandle(forWritingTo: URL(filePath: path))
  try handle.seek(toOffset: handle.seekToEnd() / 2 / 4_096 * 4_096)
  try handle.write(contentsOf: Data(repeating: 0xAA, count: 4_096))
  try handle.close()
}

extension Schema {
  static let numbers = Schema(applicationID: 77, steps: [["CREATE TABLE number (value INTEGER PRIMARY KEY, note TEXT) STRICT"]])
}

extension Database {
  func add(_ number: Int, note: String? = nil) async throws(SQLiteError) {
    try await write { (connection) throws(SQLiteError) in
      _ = try connection.execute("INSERT INTO number VALUES (?, ?)", .integer(Int64(number)), .optional(note))
    }
  }

  func numbers() async throws(SQLiteError) -> [Int] {
    try await read { (connection) throws(SQLiteError) in
      try connection.rows("SELECT value FROM number ORDER BY value").compactMap { $0[0].integer.map { Int($0) } }
    }
  }
}

/// Numbers that many tasks collect.
final class Tally: Sendable {
  private let numbers = Mutex(Set<Int>())

  func insert(_ number: Int) { numbers.withLock { _ = $0.insert(number) } }
  var all: Set<Int> { numbers.withLock { $0 } }
}
