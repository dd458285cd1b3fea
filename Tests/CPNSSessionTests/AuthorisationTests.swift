import CPNSMessages
import CPNSSession
import Foundation
import SwiftProtobuf
import Testing

/// docs/protocol.md, "Who may send what", read as it stands there.
private struct ProtocolPage {
  struct Row {
    var kind: String
    var ways: String
  }
  let rows: [Row]

  init() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appending(path: "docs/protocol.md"), encoding: .utf8)
    let section = try #require(page.components(separatedBy: "## Who may send what").dropFirst().first?.components(separatedBy: "\n## ").first)
    rows = section.split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard line.hasPrefix("| `"), cells.count >= 2 else { return nil }
      return Row(kind: cells[0].trimmingCharacters(in: CharacterSet(charactersIn: "`")), ways: cells[1])
    }
  }

  /// Whether the page lets `sender` send this kind to `receiver`.
  func allows(_ kind: String, _ sender: Role, _ receiver: Role) -> Bool {
    guard let row = rows.first(where: { $0.kind == kind }) else { return false }
    switch row.ways {
    case "anyone": return true
    // Once, before anybody has a role.
    case "anyone, first": return false
    case "both ways":
      return Self.neighbours.contains("\(sender.rawValue) → \(receiver.rawValue)") || Self.neighbours.contains("\(receiver.rawValue) → \(sender.rawValue)")
    default: return row.ways.components(separatedBy: ", ").contains("\(sender.rawValue) → \(receiver.rawValue)")
    }
  }

  /// The two kinds of links of this version.
  private static let neighbours = ["element → gateway", "gateway → server"]
}

@Suite struct AuthorisationTests {
  /// `DELIVERY_OFFER` of `KIND_DELIVERY_OFFER`.
  private func name(_ kind: Cpns_V1_Kind) throws -> String {
    let json = try hello(naming: kind).jsonString()
    let name = try #require(json.components(separatedBy: "\"KIND_").dropFirst().first?.components(separatedBy: "\"").first)
    return name
  }
  private func hello(naming kind: Cpns_V1_Kind) -> Cpns_V1_Hello {
    var hello = Cpns_V1_Hello()
    hello.supportedKinds = [kind]
    return hello
  }

  @Test func everyKindIsOpenToExactlyTheRolesOfTheProtocolPage() throws {
    let page = try ProtocolPage()
    // HELLO comes before the table.
    #expect(page.rows.count == Authorisation.table.count + 1)
    var compared = 0
    for kind in Cpns_V1_Kind.allCases where kind != .unspecified {
      let name = try name(kind)
      for sender in Role.allCases {
        for receiver in Role.allCases {
          let verdict = Authorisation.verdict(on: kind, from: sender, to: receiver)
          #expect((verdict == .allowed) == page.allows(name, sender, receiver), "\(name): \(sender) → \(receiver) is \(verdict)")
          compared += 1
        }
      }
    }
    #expect(compared == (Cpns_V1_Kind.allCases.count - 1) * 16)
  }

  @Test func theProtocolPageNamesOnlyKindsThatExist() throws {
    let known = try Set(Cpns_V1_Kind.allCases.map(name))
    for row in try ProtocolPage().rows { #expect(known.contains(row.kind), "\(row.kind)") }
  }

  @Test func answersAreNotOpenToAnybody() {
    for kind in [Cpns_V1_Kind.keyAssignment, .enrolment, .registrationResult, .inventoryResult, .deliveryAnswer, .contentOpened, .status, .hello] {
      for sender in Role.allCases {
        for receiver in Role.allCases { #expect(Authorisation.verdict(on: kind, from: sender, to: receiver) != .allowed, "\(kind)") }
      }
    }
  }

  @Test func aHelloNamesWhatTheRoleMayBeSent() {
    let kinds = Authorisation.kinds(understoodBy: .gateway)
    #expect(kinds.contains(.registration) && kinds.contains(.deliveryOffer) && kinds.contains(.status))
    #expect(!kinds.contains(.inventoryChanges))
  }
}
