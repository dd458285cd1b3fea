import Testing

@testable import Configuration

@Suite struct HostileTextTests {
  @Test func aFileTooLargeIsRefusedBeforeItIsParsed() {
    let text = String(repeating: "# comment\n", count: 6554)
    #expect(problems(text) == ["pngw.toml:1: 65540 bytes: expected at most 65536"])
  }

  @Test func aLineTooLongIsRefused() {
    #expect(problems("\nname = \"\(String(repeating: "x", count: 5000))\"") == ["pngw.toml:2: a line of 5009 bytes: expected at most 4096"])
  }

  @Test(arguments: ["name = \"a\u{0}b\"", "name = \"a\\u0000b\"", "name = \"a\\U00000000b\"", "\"name\\u0000x\" = \"a\""])
  func nothingHidesBehindANUL(_ line: String) { #expect(problems("#\n" + line) == ["pngw.toml:2: a NUL character: expected none"]) }

  @Test(arguments: ["a = " + String(repeating: "[", count: 4000), "a = " + String(repeating: "{a=", count: 1300), "[" + String(repeating: "a.", count: 2000) + "a]"])
  func depthIsBounded(_ text: String) { #expect(problems(text).count == 1) }

  /// 2,000 files, each made of the sample file by some changed bytes: each is taken or refused, and none harms us.
  @Test func damagedFilesAreTakenOrRefused() throws {
    let sample = Array(try Repository.text("etc/pngw.toml").replacing("#name", with: "name").replacing("\n#", with: "\n").utf8)
    var random = SplitMix(state: 7)
    for _ in 0..<2000 {
      var bytes = sample
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        default: bytes.insert("\"'[]{}=.#\n\\,".utf8.randomElement(using: &random) ?? 0, at: place)
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count
      for problem in problemsOf(text) { #expect((1...lines).contains(problem.line), "\(problem)") }
      _ = KeyLines(text)
    }
  }

  private func problemsOf(_ text: String) -> [ConfigurationError.Problem] {
    do throws(ConfigurationError) {
      _ = try GatewayConfiguration(parsing: text, file: "f")
      return []
    } catch {
      return error.problems
    }
  }
}

/// Numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
