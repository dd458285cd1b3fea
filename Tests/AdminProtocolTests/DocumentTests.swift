import AdminProtocol
import Foundation
import Testing

@Suite struct DocumentTests {
  let document: String

  init() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    document = try String(contentsOf: root.appending(path: "docs/admin-api.md"), encoding: .utf8)
  }

  @Test(arguments: AdminOperation.allCases) func theDocumentHasEveryOperationAndWhoMay(_ operation: AdminOperation) {
    let rule = operation.rule
    #expect(document.contains("| `\(rule.method) \(rule.path)` | \(rule.permission.rawValue) |"))
  }

  @Test func theDocumentHasNoOperationThatThereIsNot() {
    #expect(document.components(separatedBy: "\n| `").dropFirst().filter { $0.contains("/v1/") }.count == AdminOperation.allCases.count)
  }

  @Test func theDocumentHasEveryCodeOfARefusalWithItsStatus() {
    for code in AdminFailure.Code.allCases {
      let line = document.components(separatedBy: "\n").first { $0.hasPrefix("| ") && $0.contains("`\(code.rawValue)`") && $0.contains("\(code.status)") }
      #expect(line != nil, "\(code)")
    }
  }
}
