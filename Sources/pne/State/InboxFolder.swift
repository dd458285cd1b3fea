import CPNSModel
import ElementCore
import FoundationEssentials
import Glibc

/// Received contents as files in one folder, under their own names; what is still coming is in `.incoming` beside them.
actor InboxFolder: ContentInbox {
  private nonisolated let lane = Lane("inbox")
  private let folder: String
  private var open: [DeliveryID: IncomingFile] = [:]

  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }

  init(_ folder: String) { self.folder = folder }

  func prepare(keeping live: Set<DeliveryID>) throws(InboxError) {
    for path in [folder, incoming] {
      guard mkdir(path, path == folder ? 0o755 : 0o700) == 0 || errno == EEXIST else { throw .system("making the folder \(path)") }
    }
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: incoming) } catch { throw .io("listing \(incoming): \(error)") }
    for name in names {
      guard let uuid = UUID(uuidString: name), !live.contains(DeliveryID(uuid: uuid)) else { continue }
      unlink("\(incoming)/\(name)")
    }
  }

  /// At most as many are open as deliveries are pending.
  func open(_ order: DeliveryOrder) async throws(InboxError) -> any IncomingContent {
    let file = open[order.id] ?? IncomingFile(order, inbox: folder, incoming: incoming)
    open[order.id] = file
    try await file.prepare()
    return file
  }

  func discard(_ delivery: DeliveryID) async {
    open[delivery] = nil
    unlink(IncomingFile.path(of: delivery, in: incoming))
  }

  private var incoming: String { folder + "/.incoming" }
}

/// The name under which a content is kept.
enum ContentName {
  /// Longest that every file system takes, less what is put in to tell two apart.
  private static let maximumBytes = 200

  /// One that hides no file and leaves no folder.
  static func safe(_ name: String) -> String {
    var safe = String(name.map { $0 == "/" || $0 == "\0" ? "_" : $0 })
    if safe.hasPrefix(".") { safe = "_" + safe.dropFirst() }
    if safe.isEmpty { safe = "content" }
    let (stem, ending) = split(safe)
    return String(stem.cut(to: maximumBytes - min(ending.utf8.count, 32))) + ending.cut(to: 32)
  }

  /// The name itself, and others for when that is taken. Always the same for one delivery.
  static func candidates(_ name: String, _ delivery: DeliveryID) -> [String] {
    let (stem, ending) = split(safe(name))
    let id = delivery.uuid.uuidString.lowercased()
    return [stem + ending, "\(stem)-\(id.prefix(8))\(ending)", "\(stem)-\(id)\(ending)"]
  }

  private static func split(_ name: String) -> (stem: String, ending: String) {
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return (name, "") }
    return (String(name[..<dot]), String(name[dot...]))
  }
}

extension StringProtocol {
  /// At most so many bytes, cut at a character.
  func cut(to bytes: Int) -> String {
    var cut = ""
    for character in self {
      if cut.utf8.count + character.utf8.count > bytes { break }
      cut.append(character)
    }
    return cut
  }
}
