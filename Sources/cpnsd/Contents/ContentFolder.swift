import CPNSModel
import CPNSSession
import FoundationEssentials
import Glibc
import Logging
import ServerCore

/// Contents as files in one folder, under a quota.
///
///     incoming-UUID ──whole, flushed, renamed──▶ UUID
actor ContentFolder: ContentKeeping {
  private static let incoming = "incoming-"

  private nonisolated let lane = Lane("cpnsd.contents")
  private let path: String
  private let quota: Quota
  private let logger: Logger

  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  /// - Parameter quota: bytes, of all contents together.
  init(path: String, quota: UInt64, logger: Logger) {
    self.path = path
    self.quota = Quota(limit: quota)
    self.logger = logger
  }

  func receive(size: UInt64?) async throws(ContentKeepingError) -> any ArrivingContent {
    let reserved = size ?? 0
    guard reserved <= quota.limit else { throw .tooLarge(limit: quota.limit) }
    guard quota.take(reserved) else { throw Self.full(quota) }
    do throws(ContentKeepingError) {
      return try ArrivingFile(folder: path, name: Self.incoming + UUID().uuidString.lowercased(), quota: quota, reserved: reserved)
    } catch {
      quota.giveBack(reserved)
      throw error
    }
  }

  func open(_ content: ContentDescription) async throws(ContentKeepingError) -> any OutgoingSource {
    try KeptFile(path: path(of: content.id), content)
  }

  func remove(_ content: ContentID) async {
    let file = path(of: content)
    var status = stat()
    guard lstat(file, &status) == 0, unlink(file) == 0 else { return }
    quota.giveBack(UInt64(max(0, status.st_size)))
  }

  /// Files with names that are not ours are left alone.
  func keep(only contents: Set<ContentID>) async throws(ContentKeepingError) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system("making the folder \(path)") }
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch { throw .io("listing \(path): \(error)") }
    for name in names {
      var status = stat()
      guard lstat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      if let id = Self.id(name), contents.contains(id) {
        quota.count(UInt64(max(0, status.st_size)))
      } else if Self.id(name) != nil || name.hasPrefix(Self.incoming) {
        unlink("\(path)/\(name)")
        logger.info("content left behind removed", metadata: ["file": "\(name)"])
      }
    }
    logger.info("contents counted", metadata: ["contents": "\(contents.count)", "bytes": "\(quota.used)", "quota": "\(quota.limit)"])
  }

  private func path(of content: ContentID) -> String { "\(path)/\(content.uuid.uuidString.lowercased())" }

  private static func id(_ name: String) -> ContentID? {
    guard let uuid = UUID(uuidString: name), name == name.lowercased() else { return nil }
    return ContentID(uuid: uuid)
  }

  static func full(_ quota: Quota) -> ContentKeepingError { .full("the content quota of \(quota.limit >> 20) MiB is used up") }
}

extension ContentKeepingError {
  /// What `errno` says now.
  static func system(_ doing: String) -> ContentKeepingError {
    let code = errno
    let words = "\(doing): \(String(cString: strerror(code)))"
    return code == ENOSPC || code == EDQUOT ? .full(words) : .io(words)
  }
}
