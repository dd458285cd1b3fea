import CPNSModel
import ElementCore
import FoundationEssentials
import Glibc
import OpenSSLTLS

/// One content on its way: a file in `.incoming` that gets a second name, in the inbox, when it is whole and right.
///
///     .incoming/<delivery> ──whole, verified, flushed──▶ also <inbox>/<name> ──end of the delivery on disk──▶ only <inbox>/<name>
///
/// By the two names of one file a crash between the last two steps is seen, and the content is not put there twice.
actor IncomingFile: IncomingContent {
  /// Bytes hashed at once when what an earlier run left is read again.
  private static let pieceBytes = 1 << 20

  private nonisolated let lane: Lane
  private let order: DeliveryOrder
  private let inbox: String
  private let path: String
  private var descriptor: CInt = -1
  private var hasher = SHA256Stream()
  private var placed: ReceivedContent?
  private(set) var available: UInt64 = 0
  private(set) var isWhole = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  init(_ order: DeliveryOrder, inbox: String, incoming: String) {
    self.order = order
    self.inbox = inbox
    path = Self.path(of: order.id, in: incoming)
    lane = Lane("content.\(order.id.uuid)")
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  static func path(of delivery: DeliveryID, in incoming: String) -> String { "\(incoming)/\(delivery.uuid.uuidString.lowercased())" }

  // MARK: Beginning

  /// Takes up what an earlier run left. Only the first call does something.
  func prepare() throws(InboxError) {
    guard descriptor < 0 else { return }
    try openFile(O_CREAT)
    let status = try status()
    let size = UInt64(max(0, status.st_size))
    isWhole = status.st_nlink > 1
    // Without a hash nobody would see that a power cut tore the end off.
    guard isWhole || (order.content.sha256 != nil && size <= order.content.size ?? .max) else { return try restart() }
    try hashAgain(size)
  }

  private func openFile(_ more: CInt) throws(InboxError) {
    descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | more, 0o644)
    guard descriptor >= 0 else { throw .system("opening \(path)") }
  }

  private func status() throws(InboxError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("looking at \(path)") }
    return status
  }

  private func hashAgain(_ size: UInt64) throws(InboxError) {
    var piece = [UInt8](repeating: 0, count: Self.pieceBytes)
    while available < size {
      let count = pread(descriptor, &piece, piece.count, off_t(clamping: available))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system("reading \(path)") }
      if count == 0 { return }
      piece.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      available += UInt64(count)
    }
  }

  /// A new file: the old one may have its name in the inbox already, and there it is a person's.
  func restart() throws(InboxError) {
    unlink(path)
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    try openFile(O_CREAT | O_EXCL)
    (hasher, available, isWhole, placed) = (SHA256Stream(), 0, false, nil)
  }

  // MARK: Bytes

  func append(_ bytes: [UInt8], at offset: UInt64) throws(InboxError) {
    guard offset == available, !isWhole else { throw .mismatch("bytes at \(offset) came, expected them at \(available)") }
    var written = 0
    while written < bytes.count {
      let count = bytes.dropFirst(written).withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(clamping: offset) + off_t(written)) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .system("writing \(path)") }
      written += count
    }
    bytes.withUnsafeBytes { hasher.update($0) }
    available += UInt64(bytes.count)
  }

  // MARK: The end

  func finish() throws(InboxError) -> ReceivedContent {
    if let placed { return placed }
    if let size = order.content.size, size != available { throw .mismatch("\(available) of \(size) bytes came") }
    let hash = hasher.digest()
    // The stream is used up: only `restart` goes on from here.
    hasher = SHA256Stream()
    guard order.content.sha256 ?? hash == hash else { throw .mismatch("the content's SHA-256 is \(Hex.text(hash)), not the announced one") }
    guard fdatasync(descriptor) == 0 else { throw .system("flushing \(path)") }
    let content = ReceivedContent(path: try place(), bytes: available, sha256: hash)
    isWhole = true
    placed = content
    return content
  }

  /// - Returns: where it is now.
  private func place() throws(InboxError) -> String {
    let own = try status()
    for name in ContentName.candidates(order.content.name, order.id) {
      let target = "\(inbox)/\(name)"
      var there = stat()
      if lstat(target, &there) == 0 {
        if there.st_ino == own.st_ino, there.st_dev == own.st_dev { return target }
        continue
      }
      if link(path, target) != 0 {
        if errno == EEXIST { continue }
        // A file system without second names: a crash right here could put the content there twice.
        guard errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK, rename(path, target) == 0 else { throw .system("putting \(name) into \(inbox)") }
      }
      try flushInbox()
      return target
    }
    throw .io("all names for \(order.content.name) are taken in \(inbox)")
  }

  private func flushInbox() throws(InboxError) {
    let folder = Glibc.open(inbox, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw .system("opening \(inbox)") }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw .system("flushing \(inbox)") }
  }
}

extension InboxError {
  /// What `errno` says now.
  static func system(_ doing: String) -> InboxError {
    let code = errno
    let words = "\(doing): \(String(cString: strerror(code)))"
    return code == ENOSPC || code == EDQUOT ? .full(words) : .io(words)
  }
}
