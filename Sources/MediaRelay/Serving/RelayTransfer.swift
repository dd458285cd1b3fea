import GatewayCore
import Glibc
import NIOCore

/// The bytes of one response, from the file as it grows.
final class RelayTransfer {
  enum Step {
    /// Written together; the content's bytes among them are the range.
    case send([IOData], Range<UInt64>)
    /// What there is was sent.
    case wait
    case end([IOData])
    /// The file is shorter than it was.
    case broken
  }
  enum Plan: Equatable {
    case counted(Range<UInt64>), chunked, untilClose

    init?(_ body: RelayAnswer.Body) {
      switch body {
      case .none: return nil
      case .counted(let range): self = .counted(range)
      case .chunked: self = .chunked
      case .untilClose: self = .untilClose
      }
    }
    var begin: UInt64 { if case .counted(let range) = self { range.lowerBound } else { 0 } }
    var end: UInt64? { if case .counted(let range) = self { range.upperBound } else { nil } }
  }

  /// Sent at once: small enough that what a device read is known well, and that other connections get their turn.
  static let pieceBytes: UInt64 = 256 << 10

  let publication: Publication
  let keepsAlive: Bool
  private let id: RelayID
  private let plan: Plan
  private let wake: Publication.Wake
  private let file: NIOFileHandle
  private var position: UInt64
  private var fileSize: UInt64 = 0
  var isSending = false

  /// - Returns: nil when the file can't be opened (`errno`) or the URL was withdrawn.
  init?(_ id: RelayID, _ publication: Publication, _ plan: Plan, keepsAlive: Bool, channel: any Channel, wake: @escaping Publication.Wake) {
    let descriptor = open(publication.content.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    file = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
    self.id = id
    self.publication = publication
    self.plan = plan
    self.keepsAlive = keepsAlive
    self.wake = wake
    position = plan.begin
    guard publication.begin(id, wake) else {
      close()
      return nil
    }
  }

  func close() {
    publication.end(id)
    try? file.close()  // closed already at worst
  }

  func next() -> Step {
    let end = plan.end ?? (publication.content.isWhole ? publication.content.available : nil)
    if let end, position >= end { return .end(plan == .chunked ? [.byteBuffer(ByteBuffer(string: "0\r\n\r\n"))] : []) }
    let available = min(publication.content.available, end ?? .max)
    guard available > position else { return .wait }
    let count = min(available - position, Self.pieceBytes)
    guard holds(position + count) else { return .broken }
    let range = position..<position + count
    position = range.upperBound
    return .send(parts(range), range)
  }

  private func parts(_ range: Range<UInt64>) -> [IOData] {
    let region = IOData.fileRegion(FileRegion(fileHandle: file, readerIndex: Int(range.lowerBound), endIndex: Int(range.upperBound)))
    guard plan == .chunked else { return [region] }
    return [.byteBuffer(ByteBuffer(string: String(range.count, radix: 16) + "\r\n")), region, .byteBuffer(ByteBuffer(string: "\r\n"))]
  }

  /// A file that ends before a region does would make `sendfile` send nothing for ever.
  private func holds(_ end: UInt64) -> Bool {
    if end <= fileSize { return true }
    var status = stat()
    let result = try? file.withUnsafeFileDescriptor { fstat($0, &status) }  // a closed file holds nothing
    guard result == 0 else { return false }
    fileSize = UInt64(max(0, status.st_size))
    return end <= fileSize
  }

  /// - Returns: whether somebody must follow the content now.
  func waitForMore() -> Bool {
    let mustFollow = publication.wait(id, past: position, wake)
    // What came since we looked would wake nobody.
    if publication.content.available > position {
      publication.stopWaiting(id)
      wake(.more)
    }
    return mustFollow
  }
}
