import CPNSModel
import CPNSSession
import Glibc
import ServerCore

/// A whole content, open for one reader.
actor KeptFile: OutgoingSource {
  private nonisolated let lane = Lane("cpnsd.reading")
  nonisolated let size: UInt64?
  private let descriptor: CInt

  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  init(path: String, _ content: ContentDescription) throws(ContentKeepingError) {
    size = content.size
    descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else {
      throw errno == ENOENT ? .gone("the file of the content \(content.id)") : .system("opening the file of the content \(content.id)")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, UInt64(max(0, status.st_size)) == content.size else {
      throw .gone("the content \(content.id) as it was: its file has another size")
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func bytes(at offset: UInt64, upTo count: Int) async throws(OutgoingError) -> [UInt8] {
    var failure: CInt = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      var result = pread(descriptor, buffer.baseAddress, count, off_t(clamping: offset))
      while result < 0, errno == EINTR { result = pread(descriptor, buffer.baseAddress, count, off_t(clamping: offset)) }
      failure = result < 0 ? errno : 0
      filled = max(0, result)
    }
    if failure != 0 { throw OutgoingError("reading the content: \(String(cString: strerror(failure)))") }
    if bytes.isEmpty, let size, offset < size { throw OutgoingError("the content is shorter than it was") }
    return bytes
  }
}
