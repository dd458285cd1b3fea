package import CPNSModel
package import GatewayCore
import Glibc

/// One content in a file.
package actor StagedFile: StagedContent {
  /// Bytes hashed at once when what an earlier run left is read again, and the most that one read gives.
  private static let pieceBytes = 1 << 20

  package nonisolated let description: ContentDescription
  private nonisolated let file: ContentFile
  private nonisolated let arrivals = Arrivals()
  private nonisolated let lane: FileLane
  private let ledger: Ledger
  /// Frees about so many bytes; false when there was nothing to free.
  private let makeRoom: @Sendable (UInt64) async -> Bool
  private let makeHasher: @Sendable () -> any ContentHasher
  private var descriptor: CInt = -1
  private var hasher: (any ContentHasher)?

  package nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  init(
    _ description: ContentDescription, _ file: ContentFile, _ ledger: Ledger, makeHasher: @escaping @Sendable () -> any ContentHasher,
    makeRoom: @escaping @Sendable (UInt64) async -> Bool
  ) {
    self.description = description
    self.file = file
    self.ledger = ledger
    self.makeHasher = makeHasher
    self.makeRoom = makeRoom
    lane = FileLane("content.\(file.id.uuid)")
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  package nonisolated var path: String { file.path }
  package nonisolated var available: UInt64 { arrivals.available }
  package nonisolated var isWhole: Bool { arrivals.sha256 != nil }

  // MARK: Beginning

  /// Takes up what an earlier run left. Only the first call does something.
  func prepare() throws(StageError) {
    guard descriptor < 0 else { return }
    descriptor = try file.open()
    let size = try ContentFile.size(of: descriptor)
    if let mark = file.mark(size: size), let hash = Hex.bytes(mark.sha256), description.sha256 ?? hash == hash, description.size ?? size == size {
      ledger.set(size, for: file.id)
      return arrivals.set(available: size, sha256: hash)
    }
    // Without a hash nobody would see that a power cut tore the end off, or what was left is of another size.
    guard description.sha256 != nil, size <= description.size ?? .max, try hashAgain(size) else { return try restart() }
    ledger.set(size, for: file.id)
    arrivals.set(available: size)
  }

  /// - Returns: false when the file was shorter.
  private func hashAgain(_ size: UInt64) throws(StageError) -> Bool {
    let hasher = makeHasher()
    var offset: UInt64 = 0
    while offset < size {
      let bytes = try bytes(at: offset, count: Self.pieceBytes)
      if bytes.isEmpty { return false }
      bytes.withUnsafeBytes { hasher.update($0) }
      offset += UInt64(bytes.count)
    }
    self.hasher = hasher
    return true
  }

  // MARK: Bytes in

  /// Bytes that are there already are passed over: two deliveries of one content may bring it at the same time.
  package func append(_ bytes: [UInt8], at offset: UInt64) async throws(StageError) {
    guard !isWhole, !bytes.isEmpty else { return }
    if let size = description.size, offset &+ UInt64(bytes.count) > size {
      throw .mismatch("more than the announced \(size) bytes came")
    }
    let count = UInt64(bytes.count)
    try await reserve(count)
    defer { settle() }
    do throws(StageError) { return try write(bytes, at: offset) } catch .full(let why) {
      guard await makeRoom(count) else { throw .full(why) }
    }
    try write(bytes, at: offset)
  }

  private func reserve(_ count: UInt64) async throws(StageError) {
    while !ledger.reserve(count, for: file.id) {
      guard await makeRoom(ledger.shortage(for: count)) else { throw .full("the content quota of \(ledger.quota >> 20) MiB is used up") }
    }
  }

  /// The ledger gets what is there, in place of what was reserved: others may have written meanwhile.
  private func settle() { ledger.set(available, for: file.id) }

  /// All or nothing, as readers see it.
  private func write(_ bytes: [UInt8], at offset: UInt64) throws(StageError) {
    let begin = available
    guard offset <= begin else { throw .outOfOrder(expected: begin, got: offset) }
    guard let hasher else { throw .mismatch("what came was not the announced content; it has to begin anew") }
    let known = Int(min(begin - offset, UInt64(bytes.count)))
    let fresh = bytes[known...]
    var written = 0
    while written < fresh.count {
      let count = fresh.dropFirst(written).withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(clamping: begin) + off_t(written)) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .system("writing a staged content") }
      written += count
    }
    fresh.withUnsafeBytes { hasher.update($0) }
    arrivals.set(available: begin + UInt64(fresh.count))
  }

  @discardableResult
  package func finish() async throws(StageError) -> [UInt8] {
    if let hash = arrivals.sha256 { return hash }
    let size = available
    if let announced = description.size, announced != size { throw .mismatch("\(size) of \(announced) bytes came") }
    guard let hasher else { throw .mismatch("what came was not the announced content; it has to begin anew") }
    self.hasher = nil
    let hash = hasher.digest()
    guard description.sha256 ?? hash == hash else {
      arrivals.fail(.mismatch("the content's SHA-256 is not the announced one"))
      throw .mismatch("the content's SHA-256 is \(Hex.text(hash)), not the announced one")
    }
    guard fdatasync(descriptor) == 0 else { throw .system("flushing a staged content") }
    try file.write(ContentFile.Mark(size: size, sha256: Hex.text(hash)))
    arrivals.set(available: size, sha256: hash)
    return hash
  }

  package func fail(_ reason: String) { arrivals.fail(.source(reason)) }

  /// A new file under the old name: who reads the old one must not see it shrink.
  package func restart() throws(StageError) {
    file.remove()
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    descriptor = try file.open()
    hasher = makeHasher()
    ledger.set(0, for: file.id)
    arrivals.set(available: 0)
  }

  // MARK: Bytes out

  package nonisolated func waitForBytes(past offset: UInt64) async throws(StageError) -> UInt64 { try await arrivals.wait(past: offset) }

  package func read(at offset: UInt64, count: Int) async throws(StageError) -> [UInt8] {
    let available = available
    guard offset < available, count > 0 else { return [] }
    return try bytes(at: offset, count: Int(min(UInt64(min(count, Self.pieceBytes)), available - offset)))
  }

  private func bytes(at offset: UInt64, count: Int) throws(StageError) -> [UInt8] {
    var failure: CInt = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      var result = pread(descriptor, buffer.baseAddress, count, off_t(clamping: offset))
      while result < 0, errno == EINTR { result = pread(descriptor, buffer.baseAddress, count, off_t(clamping: offset)) }
      failure = result < 0 ? errno : 0
      filled = max(0, result)
    }
    if failure != 0 { throw .io("reading a staged content: \(String(cString: strerror(failure)))") }
    return bytes
  }
}
