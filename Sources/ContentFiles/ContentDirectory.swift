package import CPNSModel
package import GatewayCore
package import Logging
import FoundationEssentials
import Glibc

/// Contents as files in one folder, under a quota.
///
/// When the quota is used up, contents that nobody uses make room: whole ones first, then pieces that an interrupted
/// delivery left; of each the oldest first.
package actor ContentDirectory: ContentStage {
  private struct Reference {
    weak var file: StagedFile?
  }

  private nonisolated let lane = FileLane("contents")
  private let folder: String
  private let ledger: Ledger
  private let makeHasher: @Sendable () -> any ContentHasher
  private let logger: Logger
  private var open: [ContentID: Reference] = [:]
  /// Removed while somebody still used them.
  private var doomed: Set<ContentID> = []

  package nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  /// - Parameters:
  ///   - quota: bytes, of all contents together.
  ///   - makeHasher: a fresh SHA-256.
  package init(folder: String, quota: UInt64, logger: Logger, makeHasher: @escaping @Sendable () -> any ContentHasher) {
    self.folder = folder
    self.ledger = Ledger(quota: quota)
    self.makeHasher = makeHasher
    self.logger = logger
  }

  /// Makes the folder, and counts what an earlier run left there.
  package func prepare() throws(StageError) {
    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw .system("making the folder \(folder)") }
    for file in try files() { ledger.set(file.size, for: file.id) }
    logger.info("contents counted", metadata: ["bytes": "\(ledger.used)", "quota": "\(ledger.quota)"])
  }

  /// Bytes of all contents.
  package nonisolated var used: UInt64 { ledger.used }

  package func open(_ content: ContentDescription) async throws(StageError) -> any StagedContent {
    if let size = content.size, size > ledger.quota {
      throw .full("the content has \(size) bytes, and the quota for all contents is \(ledger.quota)")
    }
    doomed.remove(content.id)
    purge()
    let staged = open[content.id]?.file ?? make(content)
    // Asked twice at once, the second call waits here for the first.
    try await staged.prepare()
    return staged
  }

  private func make(_ content: ContentDescription) -> StagedFile {
    let staged = StagedFile(content, ContentFile(folder: folder, id: content.id), ledger, makeHasher: makeHasher) { [weak self] bytes in
      await self?.evict(atLeast: bytes) ?? false
    }
    open[content.id] = Reference(file: staged)
    return staged
  }

  package func remove(_ content: ContentID) async {
    doomed.insert(content)
    purge()
  }

  /// Deletes what was removed and is not used any more.
  private func purge() {
    open = open.filter { $0.value.file != nil }
    for content in doomed where open[content] == nil { delete(content) }
  }

  private func delete(_ content: ContentID) {
    ContentFile(folder: folder, id: content).remove()
    ledger.set(nil, for: content)
    doomed.remove(content)
  }

  // MARK: Making room

  private struct Found {
    var id: ContentID
    var size: UInt64
    var isWhole: Bool
    /// Nanoseconds since 1970.
    var changed: Int64
  }

  /// - Returns: whether anything was freed.
  private func evict(atLeast bytes: UInt64) -> Bool {
    let before = ledger.used
    purge()
    var freed = before &- ledger.used
    do throws(StageError) {
      let unused = try files().filter { open[$0.id] == nil && $0.size > 0 }
      for file in unused.sorted(by: { ($0.isWhole ? 0 : 1, $0.changed) < ($1.isWhole ? 0 : 1, $1.changed) }) where freed < bytes {
        delete(file.id)
        freed += file.size
        logger.info("content evicted", metadata: ["content": "\(file.id)", "bytes": "\(file.size)"])
      }
    } catch {
      logger.error("contents not listed", metadata: ["error": "\(error)"])
    }
    return freed > 0
  }

  /// Files with names that are not ours are left alone.
  private func files() throws(StageError) -> [Found] {
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch { throw .io("listing \(folder): \(error)") }
    let marked = Set(names)
    return names.compactMap { name in
      var status = stat()
      guard let id = ContentFile.id(ofName: name), lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      let changed = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
      return Found(id: id, size: UInt64(max(0, status.st_size)), isWhole: marked.contains(name + ContentFile.markSuffix), changed: changed)
    }
  }
}
