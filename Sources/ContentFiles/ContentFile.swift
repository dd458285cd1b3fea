import CPNSModel
import FoundationEssentials
import GatewayCore
import Glibc

/// The two files of a content: the bytes, and beside them the mark that they are whole.
///
/// The bytes keep one name for ever, because readers open it at any time; the mark comes last, after a flush, and its
/// being there is what makes the content whole. Names come from ids only.
struct ContentFile {
  /// What the mark says.
  struct Mark: Codable, Equatable {
    var size: UInt64
    /// Hexadecimal.
    var sha256: String
  }

  static let markSuffix = ".whole"

  let folder: String
  let id: ContentID

  var path: String { "\(folder)/\(id.uuid.uuidString.lowercased())" }
  private var markPath: String { path + Self.markSuffix }

  /// - Returns: nil when the file's name is not one of ours.
  static func id(ofName name: String) -> ContentID? {
    guard let uuid = UUID(uuidString: name), name == name.lowercased() else { return nil }
    return ContentID(uuid: uuid)
  }

  func open() throws(StageError) -> CInt {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system("opening a staged content") }
    return descriptor
  }

  /// The mark, when there is one that fits a file of this size.
  func mark(size: UInt64) -> Mark? {
    // No mark, a torn one and one that can't be read all mean the same: the content is not whole.
    guard let data = try? Data(contentsOf: URL(filePath: markPath)), let mark = try? JSONDecoder().decode(Mark.self, from: data), mark.size == size
    else { return nil }
    return mark
  }

  /// The bytes are on the disk already.
  func write(_ mark: Mark) throws(StageError) {
    do { try JSONEncoder().encode(mark).write(to: URL(filePath: markPath), options: .atomic) } catch { throw .io("the mark of a whole content: \(error)") }
    try Self.flush(folder: folder)
  }

  /// Readers that have it open keep what they have.
  func remove() {
    unlink(markPath)
    unlink(path)
  }

  /// Makes names in the folder survive a power cut.
  private static func flush(folder: String) throws(StageError) {
    let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("opening the content folder") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system("flushing the content folder") }
  }

  static func size(of descriptor: CInt) throws(StageError) -> UInt64 {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("looking at a staged content") }
    return UInt64(max(0, status.st_size))
  }
}

extension StageError {
  /// What `errno` says now.
  static func system(_ doing: String) -> StageError {
    let code = errno
    let words = "\(doing): \(String(cString: strerror(code)))"
    return code == ENOSPC || code == EDQUOT ? .full(words) : .io(words)
  }
}
