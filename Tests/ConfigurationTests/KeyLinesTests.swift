import Testing

@testable import Configuration

@Suite struct KeyLinesTests {
  private let lines = KeyLines(
    """
    # a = 1
    a = 1 # [not.a.table]
    b.c = "x # y"
    d = '''
    e = 2
    [f]
    ''''
    g = [ # ]
      "]", { h = 1 },
    ]
      [ i . "j k" ]
    l = "\\"" # "
    m = \"""
    n = 1 \\\"""
    \"""
    'o.p' = { q = 1,
    """ + " r = 2 }\r\n[[s]]\r\nt = 1\n[[s]]\nt = 2")

  @Test(arguments: [
    ("a", 2), ("b", 3), ("b/c", 3), ("d", 4), ("g", 8), ("i", 11), ("i/j k", 11), ("i/j k/l", 12), ("i/j k/m", 13), ("i/j k/o.p", 16),
    ("s", 17), ("s/t", 18),
  ])
  func aKeyIsOnItsLine(_ path: String, _ line: Int) { #expect(lines.line(of: path.split(separator: "/").map(String.init)) == line) }

  @Test func whatLooksLikeAKeyInsideAStringIsNone() {
    #expect(lines.line(of: ["e"]) == 1)
    #expect(lines.line(of: ["i", "j k", "n"]) == 11)
  }

  @Test func aKeyOfAnInlineTableIsWhereItsTableIs() { #expect(lines.line(of: ["i", "j k", "o.p", "q"]) == 16) }
}

@Suite struct NearestTests {
  @Test(arguments: [("", "abc", 3), ("abc", "abc", 0), ("prot", "port", 2), ("kitten", "sitting", 3), ("port", "ports", 1)])
  func distancesAreLevenshteins(_ a: String, _ b: String, _ distance: Int) {
    #expect(Nearest.distance(a, b) == distance)
    #expect(Nearest.distance(b, a) == distance)
  }

  @Test func aLongWordIsNearNothing() { #expect(Nearest.word(to: String(repeating: "x", count: 60_000), among: ["name"]) == nil) }
}
