import CPNSModel
import Diagnosis
import Foundation
import Testing

@Suite struct ProblemTests {
  /// `PNGW_RENEW=1 swift test --filter DiagnosisTests` writes it anew.
  @Test func theDocumentHasExactlyTheseRows() throws {
    let rows = ProblemCode.allCases.map { code in
      let facts = code.facts
      return "| `\(code.rawValue)` | \(facts.severity.rawValue) | \(facts.meaning) | \(facts.affects) | \(facts.nextStep) |"
    }
    var lines = try Self.document().components(separatedBy: "\n")
    let isRow: (String) -> Bool = { line in line.hasPrefix("| `") && Severity.allCases.contains { line.contains("` | \($0.rawValue) |") } }
    if ProcessInfo.processInfo.environment["PNGW_RENEW"] != nil {
      let head = try #require(lines.firstIndex { $0.hasPrefix("| code | severity |") })
      lines.removeAll(where: isRow)
      lines.insert(contentsOf: rows, at: head + 2)
      try lines.joined(separator: "\n").write(to: Self.place, atomically: true, encoding: .utf8)
    }
    #expect(lines.filter(isRow) == rows)
  }

  @Test func codesAreWordsForProgramsAndTextsAreShort() {
    for code in ProblemCode.allCases {
      #expect(code.rawValue.allSatisfy { $0.isLowercase || $0 == "-" })
      let facts = code.facts
      for text in [facts.meaning, facts.affects, facts.nextStep] { #expect((3...120).contains(text.count) && !text.contains("|") && !text.contains("\n")) }
    }
  }

  @Test func theGravestComesLast() {
    #expect(Severity.allCases.sorted() == [.notice, .warning, .error])
  }

  static let place = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "docs/operations.md")
  static func document() throws -> String { try String(contentsOf: place, encoding: .utf8) }
}
