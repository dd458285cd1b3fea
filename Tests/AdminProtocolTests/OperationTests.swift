import AdminProtocol
import Testing

@Suite struct OperationTests {
  @Test func whatIsAskedForAndWhoMayAskIsOneTable() {
    let table = AdminOperation.allCases.map { "\($0.rule.method) \($0.rule.path) \($0.rule.permission.rawValue)" }
    #expect(table == [
      "GET /v1/version viewer", "GET /v1/status viewer",
      "GET /v1/pnes viewer", "GET /v1/pnes/{id} viewer", "DELETE /v1/pnes/{id} admin", "GET /v1/pnes/{id}/objects viewer",
      "GET /v1/pairing viewer", "POST /v1/pairing operator", "DELETE /v1/pairing operator",
      "POST /v1/enrolment admin",
      "POST /v1/contents operator", "GET /v1/deliveries viewer", "GET /v1/deliveries/{id} viewer", "POST /v1/deliveries operator",
      "GET /v1/events viewer", "GET /v1/configuration viewer", "POST /v1/configuration/reload admin", "GET /v1/pnes/{id}/explanation viewer", "GET /v1/deliveries/{id}/explanation viewer", "GET /v1/events/past viewer",
      "GET /v1/audit viewer", "GET /v1/metrics viewer", "GET /v1/openapi.json viewer",
    ])
    #expect(Set(table).count == table.count)
  }

  @Test func onlyWhatChangesNothingIsForViewers() {
    for operation in AdminOperation.allCases { #expect((operation.rule.method == "GET") == (operation.rule.permission == .viewer)) }
  }

  @Test(arguments: AdminOperation.allCases) func everyOperationIsFoundAtItsPath(_ operation: AdminOperation) throws {
    let path = operation.rule.path.split(separator: "/").map { $0 == "{id}" ? "some id/with %" : String($0) }
    let route = try AdminRoute(method: operation.rule.method, path: path)
    #expect(route.operation == operation)
    #expect(route.id == (operation.rule.path.contains("{id}") ? "some id/with %" : ""))
  }

  @Test(arguments: [[], ["v1"], ["v2", "status"], ["v1", "status", "x"], ["V1", "STATUS"], ["v1", "pnes", "x", "objects", "y"], ["..", "v1", "status"]])
  func anUnknownPathIsToldWithWhatThereIs(_ path: [String]) {
    #expect { try AdminRoute(method: "GET", path: path) } throws: { error in
      guard let failure = error as? AdminFailure else { return false }
      return failure.code == .notFound && failure.remedy.contains("/v1/status") && failure.remedy.contains("/v1/pnes/{id}/objects")
    }
  }

  @Test func anUnknownPathThatIsLongIsNotRepeated() {
    #expect { try AdminRoute(method: "GET", path: [String(repeating: "x", count: 10_000)]) } throws: { ($0 as? AdminFailure)?.message.count ?? .max < 200 }
  }

  @Test func aWrongMethodIsToldWithTheRightOnes() {
    #expect { try AdminRoute(method: "PUT", path: ["v1", "pairing"]) } throws: { error in
      guard let failure = error as? AdminFailure else { return false }
      return failure.code == .wrongMethod && failure.code.status == 405 && failure.remedy == "use GET, POST, DELETE"
    }
    #expect(AdminRoute.methods(at: ["v1", "pnes", "x"]) == ["GET", "DELETE"])
  }

  @Test func everyRefusalHasAnHTTPStatusThatIsOne() {
    for code in AdminFailure.Code.allCases { #expect((400...599).contains(code.status)) }
  }
}

@Suite struct AccessTests {
  let access = AdminAccess(ownUser: 998, viewers: .init(name: "pngw-viewer", id: 71), operators: .init(name: "pngw-operator", id: 72))

  @Test func rootAndTheGatewayItselfAreAdministrators() {
    #expect(access.permission(user: 0, groups: []) == .admin)
    #expect(access.permission(user: 998, groups: [5]) == .admin)
  }

  @Test func aGroupGivesItsPermissionAndTheStrongerOneCounts() {
    #expect(access.permission(user: 1000, groups: [5, 71]) == .viewer)
    #expect(access.permission(user: 1000, groups: [72]) == .operator)
    #expect(access.permission(user: 1000, groups: [71, 72]) == .operator)
    #expect(access.permission(user: 1000, groups: [5, 0]) == nil)
  }

  @Test func eachPermissionHasWhatTheWeakerOnesHave() throws {
    #expect(AdminPermission.allCases.sorted() == [.viewer, .operator, .admin])
    try access.check(.showStatus, user: 1000, groups: [72])
    try access.check(.openPairing, user: 1000, groups: [72])
    try access.check(.enrol, user: 0, groups: [])
  }

  @Test func whoMayNotIsToldWhichGroupWouldHelp() {
    refused(.showStatus, access, groups: [], naming: "pngw-viewer")
    refused(.openPairing, access, groups: [71], naming: "pngw-operator")
    refused(.enrol, access, groups: [72], naming: "do it as root")
  }

  @Test func aGroupThatIsNotThereLetsNobodyInAndTheRemedySaysSo() {
    let bare = AdminAccess(ownUser: 998, viewers: .init(name: "pngw-viewer", id: nil), operators: .init(name: "", id: nil))
    #expect(bare.permission(user: 1000, groups: [0, 71, 72]) == nil)
    refused(.showStatus, bare, groups: [71], naming: "groupadd --system pngw-viewer")
    refused(.openPairing, bare, groups: [72], naming: "do it as root")
  }

  private func refused(_ operation: AdminOperation, _ access: AdminAccess, groups: [UInt32], naming: String) {
    #expect { try access.check(operation, user: 1000, groups: groups) } throws: { error in
      guard let failure = error as? AdminFailure else { return false }
      return failure.code == .forbidden && failure.code.status == 403 && failure.remedy.contains(naming)
    }
  }
}
