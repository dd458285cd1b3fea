import FoundationEssentials
import Testing

/// Files of the repository that say what the tables of keys say.
///
/// `PNGW_RENEW=1 swift test --filter ConfigurationTests` writes them anew.
enum Repository {
  static let isToBeRenewed = ProcessInfo.processInfo.environment["PNGW_RENEW"] == "1"

  static func text(_ path: String) throws -> String { String(decoding: try Data(contentsOf: url(path)), as: UTF8.self) }
  static func write(_ text: String, to path: String) throws { try Data(text.utf8).write(to: url(path)) }

  private static func url(_ path: String) -> URL {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return URL(filePath: "/\(root)/\(path)")
  }
}
