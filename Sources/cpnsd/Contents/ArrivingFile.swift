import CPNSModel
import FoundationEssentials
import Glibc
import OpenSSLTLS
import ServerCore

/// A content that is being written. Its file is gone when nobody finishes it.
actor ArrivingFile: ArrivingContent {
  private nonisolated let lane = Lane("cpnsd.arriving")
  private let folder: String
  private let path: String
  private let quota: Quota
  private let hasher = SHA256Stream()
  private var descriptor: CInt
  private var size: UInt64 = 0
  private var reserved: UInt64

  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  /// - Parameter reserved: bytes of the quota that are this file's already.
  init(folder: String, name: String, quota: Quota, reserved: UInt64) throws(ContentKeepingError) {
    self.folder = folder
    self.path = "\(folder)/\(name)"
    self.quota = quota
    self.reserved = reserved
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system("making a file for a content") }
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(path)
    quota.giveBack(reserved)
  }

  func append(_ bytes: [UInt8]) async throws(ContentKeepingError) {
    guard descriptor >= 0 else { throw .gone("the content that was being sent") }
    let end = size + UInt64(bytes.count)
    if end > reserved {
      guard end <= quota.limit else { throw .tooLarge(limit: quota.limit) }
      guard quota.take(end - reserved) else { throw ContentFolder.full(quota) }
      reserved = end
    }
    try write(bytes)
    bytes.withUnsafeBytes { hasher.update($0) }
    size = end
  }

  private func write(_ bytes: [UInt8]) throws(ContentKeepingError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .system("writing a content") }
      written += count
    }
  }

  /// The bytes are on the disk before the name is, and the name before this returns.
  func finish(as content: ContentID) async throws(ContentKeepingError) -> (size: UInt64, sha256: [UInt8]) {
    guard descriptor >= 0 else { throw .gone("the content that was being sent") }
    guard fsync(descriptor) == 0 else { throw .system("flushing a content") }
    let final = "\(folder)/\(content.uuid.uuidString.lowercased())"
    guard rename(path, final) == 0 else { throw .system("naming a content") }
    close(descriptor)
    descriptor = -1
    quota.giveBack(reserved - size)
    do throws(ContentKeepingError) { try flushFolder() } catch {
      unlink(final)
      quota.giveBack(size)
      throw error
    }
    return (size, hasher.digest())
  }

  private func flushFolder() throws(ContentKeepingError) {
    let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard handle >= 0 else { throw .system("opening the content folder") }
    defer { close(handle) }
    guard fsync(handle) == 0 else { throw .system("flushing the content folder") }
  }

  func abandon() async {
    guard descriptor >= 0 else { return }
    close(descriptor)
    descriptor = -1
    unlink(path)
    quota.giveBack(reserved)
  }
}
