import CPNSModel
import Foundation
import OpenSSLTLS

/// A folder that goes with the test.
final class Folder: Sendable {
  let path = FileManager.default.temporaryDirectory.appending(path: "pne-\(UUID().uuidString)").path()

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Names in a folder below, hidden ones too.
  func names(_ below: String = "") throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path + "/" + below).sorted() }
  func bytes(_ name: String) -> [UInt8]? { FileManager.default.contents(atPath: path + "/" + name).map { Array($0) } }
  func write(_ bytes: [UInt8], _ name: String) throws { try Data(bytes).write(to: URL(filePath: path + "/" + name)) }
  func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path + "/" + name)[.posixPermissions] as? Int
  }
}

func order(_ bytes: [UInt8], name: String = "a.txt", hashed: Bool = true) -> DeliveryOrder {
  let content = ContentDescription(
    id: .random(), name: name, mediaType: "text/plain", size: UInt64(bytes.count), sha256: hashed ? Cryptography.sha256(bytes) : nil)
  return DeliveryOrder(id: .random(), content: content, consumer: .random(), offeredBy: .random())
}
